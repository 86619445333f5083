/** For tests that start the processes of the bench. */
export declare class Child {
  constructor(file: string, args?: readonly string[], execArgv?: readonly string[]);
  ask(command: string, details?: Readonly<Record<string, unknown>>): Promise<unknown>;
  end(): void;
}
