'use strict';
// What alock's documentation says, with its own examples.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const { EventEmitter } = require('node:events');
const { freshKey } = require('./support/apis');
const { deferred } = require('./support/until');

/** Every way to get at it. */
const WAYS = {
  "require('latchkey')": require('latchkey'),
  "require('latchkey').lock": require('latchkey').lock,
  "require('latchkey/alock')": require('latchkey/alock'),
  "require('latchkey/alock').lock": require('latchkey/alock').lock,
};

/** The documentation's key-value store: gives copies, some turns of the event loop later. */
class Database {
  constructor(content) {
    this.content = content;
  }

  get(key, callback) {
    setImmediate(() => callback(null, this.content[key]));
  }

  put(key, value, callback) {
    setImmediate(() => {
      this.content[key] = value;
      callback(null);
    });
  }
}

/** The documentation's doubling, twice in quick succession. */
async function doubleTwice(lock) {
  const db = new Database({ player1: JSON.stringify({ score: 10 }) });
  const double = () =>
    new Promise((resolve) => {
      lock('double-score', (done) => {
        db.get('player1', (err, value) => {
          value = JSON.parse(value);
          value.score *= 2;
          db.put('player1', JSON.stringify(value), (error) => {
            done(error);
            resolve();
          });
        });
      });
    });
  await Promise.all([double(), double()]);
  return JSON.parse(db.content.player1).score;
}

for (const [way, lock] of Object.entries(WAYS)) {
  describe(way, () => {
    it('makes First! come before Second!', async () => {
      const { promise, resolve } = deferred();
      const printed = [];
      lock('console-log', (done) => {
        setTimeout(() => {
          printed.push('First!');
          done();
        }, 50);
      });
      lock('console-log', (done) => {
        setImmediate(() => {
          printed.push('Second!');
          done();
          resolve();
        });
      });
      await promise;
      assert.deepEqual(printed, ['First!', 'Second!']);
    });

    it('keeps a read-change-write whole', async () => {
      assert.equal(await doubleTwice((key, fn) => fn(() => {})), 20, 'without a lock one change is lost');
      assert.equal(await doubleTwice(lock), 40);
    });

    it('shares its keys with every other way of the same copy', () => {
      const key = freshKey();
      const log = [];
      let release;
      lock(key, (done) => (release = done));
      for (const [name, other] of Object.entries(WAYS)) {
        other(key, (done) => {
          log.push(name);
          done();
        });
      }
      assert.deepEqual(log, []);
      release();
      assert.deepEqual(log, Object.keys(WAYS));
    });

    it('hands out a done that can be passed on as a callback or a listener', async () => {
      const key = freshKey();
      const emitter = new EventEmitter();
      const log = [];
      lock(key, (done) => emitter.once('end', done));
      lock(key, (done) => setImmediate(done, new Error('ignored')));
      const { promise, resolve } = deferred();
      lock(key, resolve);
      lock(freshKey(), () => log.push('another key is free meanwhile'));
      emitter.emit('end', 'an event', 'of some kind');
      (await promise)();
      assert.deepEqual(log, ['another key is free meanwhile']);
    });

    it('can be called as a method, with any `this`', () => {
      const holder = { lock };
      let granted = 0;
      const count = (done) => {
        granted++;
        done();
      };
      holder.lock(freshKey(), count);
      lock.call({}, freshKey(), count);
      lock.call(null, freshKey(), count);
      lock.apply(undefined, [freshKey(), count, 'more']);
      assert.equal(granted, 4);
    });

    it('warns of nothing, however many wait', async () => {
      const warnings = [];
      const warn = (warning) => warnings.push(warning);
      process.on('warning', warn);
      const key = freshKey();
      let release;
      let granted = 0;
      lock(key, (done) => (release = done));
      for (let i = 0; i < 100; i++) {
        lock(key, (done) => {
          granted++;
          done();
        });
      }
      release();
      await new Promise(setImmediate);
      process.off('warning', warn);
      assert.deepEqual(warnings, []);
      assert.equal(granted, 100);
    });
  });
}
