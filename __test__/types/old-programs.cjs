// Plain JavaScript under checkJs: the packages' documented examples, and classes in the ES5 style.

const util = require('node:util');
const fs = require('node:fs');
const latchkey = require('latchkey');
const lock = require('latchkey/alock');
const Lock = require('latchkey/rwlock-plus');
const { lock: sameLock, Lock: SameLock, LockError, LockExpiredError } = require('latchkey');

for (const each of [latchkey, lock, sameLock, lock.lock]) {
  each('console-log', function (done) {
    setTimeout(function () {
      console.log('First!');
      done();
    }, 1000);
  });
}

const failsafe = new Lock(10000);

/** @type {(callback: Function) => void} */
function getStream(callback) {
  /** @type {fs.ReadStream} */
  let stream;

  /** @param {Error} [err] */
  function released(err) {
    if (err instanceof LockError) console.warn(err.key, err instanceof LockExpiredError);
    if (err) stream.destroy(err);
  }

  failsafe.readLock('my-resource', released, function (release) {
    stream = fs.createReadStream('my-resource');
    stream.on('end', release);
    callback(stream);
  });
}
getStream(console.log);

/**
 * @this {any}
 * @param {number} timeout
 */
function FromLock(timeout) {
  Lock.call(this, timeout);
}
util.inherits(FromLock, Lock);

/**
 * @this {any}
 * @param {number} timeout
 */
function FromDualExport(timeout) {
  latchkey.Lock.call(this, timeout, console);
}
util.inherits(FromDualExport, latchkey);

/** @type {InstanceType<typeof latchkey>[]} */
const locks = [new latchkey(), new latchkey.Lock(), new Lock.Lock(), new SameLock()];
for (const each of locks) each.writeLock('key', null, (release) => release());
