// Loaded before a program (`node --require`), it writes down who held and who waited in each of its threads, for
// the demo to draw. It listens to latchkey's diagnostics channels: the program that uses the locks need not know.

const { subscribe } = require('node:diagnostics_channel');
const fs = require('node:fs');
const { threadId } = require('node:worker_threads');

/** Each thread adds its own requests to this file: one line of JSON, when it ends. */
const FILE = process.env.LATCHKEY_RECORD;

/** Milliseconds by a clock that all threads share. */
const now = () => performance.timeOrigin + performance.now();

const requests = [];
const held = new Map();

subscribe('latchkey:grant', ({ key, mode, fence, waited }) => {
  const granted = now();
  const request = { key, mode, asked: granted - waited, granted, ended: undefined, expired: false };
  requests.push(request);
  held.set(fence, request);
});

function ended({ fence }, expired) {
  Object.assign(held.get(fence), { ended: now(), expired });
  held.delete(fence);
}

subscribe('latchkey:release', (message) => ended(message, false));
subscribe('latchkey:expire', (message) => ended(message, true));

process.on('exit', () => fs.appendFileSync(FILE, JSON.stringify({ threadId, requests }) + '\n'));
