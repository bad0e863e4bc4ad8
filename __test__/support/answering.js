'use strict';
// What the other end of peer.js and of thread.js does: it runs the functions that it is sent, and says what came of them.

/**
 * @param {any} tools what each function gets first
 * @param {(answer: any) => void} send
 * @returns {(call: { number: number, source: string, args: any[] }) => Promise<void>}
 */
function answering(tools, send) {
  return async ({ number, source, args }) => {
    try {
      // oxlint-disable-next-line no-eval
      const fn = (0, eval)(`(${source})`);
      send({ number, result: await fn(tools, ...args) });
    } catch (error) {
      const { name, code, key, message } = error;
      send({ number, error: { name, code, key, message } });
    }
  };
}

module.exports = { answering };
