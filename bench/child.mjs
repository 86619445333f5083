/** Processes of the bench: started with a channel, asked one thing at a time, ended with the parent. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** A process that answers messages `{ id, command, ...}` with `{ id, result }` or `{ id, error }`. */
export class Child {
  #process;
  #next = 1;
  /** @type {Map<number, { resolve: (result: any) => void, reject: (error: Error) => void }>} */
  #waiting = new Map();
  #errors = '';

  /**
   * @param {string} file relative to this folder
   * @param {readonly string[]} args
   * @param {readonly string[]} execArgv
   */
  constructor(file, args = [], execArgv = []) {
    const path = fileURLToPath(new URL(file, import.meta.url));
    this.#process = fork(path, args, {
      execArgv: [...execArgv],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#process.stderr?.setEncoding('utf8').on('data', (text) => {
      this.#errors = (this.#errors + text).slice(-4000);
    });
    this.#process.on('message', (/** @type {any} */ { id, result, error }) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(result);
      else waiting?.reject(new Error(error));
    });
    // 'close' comes after the last of standard error, 'exit' may come before it.
    this.#process.on('close', (code, signal) => {
      const why = `${file} ${args.join(' ')} ended (${signal ?? code})\n${this.#errors}`;
      for (const { reject } of this.#waiting.values()) reject(new Error(why));
      this.#waiting.clear();
    });
  }

  /**
   * @param {string} command
   * @param {Record<string, unknown>} [details]
   * @returns {Promise<any>}
   */
  ask(command, details = {}) {
    return new Promise((resolve, reject) => {
      if (!this.#process.connected) {
        reject(new Error(`the process has ended\n${this.#errors}`));
        return;
      }
      const id = this.#next++;
      this.#waiting.set(id, { resolve, reject });
      this.#process.send({ id, command, ...details });
    });
  }

  end() {
    this.#process.kill();
  }
}

/**
 * The other side: answers each command with what its function returns.
 * @param {Record<string, (details: any) => unknown>} commands
 */
export function answerCommands(commands) {
  process.on('message', async (/** @type {any} */ { id, command, ...details }) => {
    try {
      process.send?.({ id, result: await commands[command]?.(details) });
    } catch (error) {
      process.send?.({ id, error: error instanceof Error ? error.stack : String(error) });
    }
  });
  process.on('disconnect', () => process.exit(0));
}
