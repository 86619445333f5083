/** The platform's own class, also where a framework has put one that extends it in its place. */
export function platformClass<Class extends typeof Request | typeof Response>(found: Class): Class {
  let prototype = found.prototype as object;
  for (;;) {
    const above = Object.getPrototypeOf(prototype) as object | null;
    // The last is that of all objects: another than ours where tests run in a realm of their own.
    if (above === null || Object.getPrototypeOf(above) === null) break;
    prototype = above;
  }
  return prototype.constructor as Class;
}
