// A program that is bundled or traced: a private and a named lock, and a worker that asks for the latter.
'use strict';

const { isMainThread, Worker } = require('node:worker_threads');
const { Locks } = require('latchkey');

const locks = new Locks({ name: 'orders' });
if (isMainThread) {
  new Locks().write('key', () => console.log('private'));
  const hold = locks.tryWrite('key');
  new Worker(__filename).on('online', () => setTimeout(() => hold.release(), 50));
} else {
  locks.write('key', () => console.log('worker'));
}
