/** Which generation of fetch this Node carries: that of Node 20 and 22 is 6, of Node 24 it is 7, of Node 26 it is 8. */
export const PLATFORM = Number.parseInt(process.versions.undici ?? '7', 10);
