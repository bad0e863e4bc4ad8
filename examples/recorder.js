// Writes down, per key, when each request asked, was granted, and released its hold or had it expire. It wraps
// a lock from outside, so that the program that uses the lock need not know. timeline.js draws what it wrote.

const now = () => performance.now();

/**
 * A recorder: `watch.alock(lock)` and `watch.rwlock(Lock)` give the same lock, recorded; `keys` is the record.
 * Each entry of `keys` is `{ space, key, requests }`, where `space` is the lock the key belongs to, and a
 * request is `{ kind, mode, asked, granted, ended, expired }` with its times in ms.
 */
function createRecorder() {
  const keys = [];

  function ask(space, key, kind, mode) {
    const name = String(key);
    let entry = keys.find((known) => known.space === space && known.key === name);
    if (!entry) keys.push((entry = { space, key: name, requests: [] }));
    const request = { kind, mode, asked: now(), granted: undefined, ended: undefined, expired: false };
    entry.requests.push(request);
    return request;
  }

  // The next one is granted inside `release`, so the end is noted before it.
  function noteEnd(request, release) {
    return (...args) => {
      request.ended ??= now();
      return release(...args);
    };
  }

  function alock(lock) {
    return (key, fn) => {
      const request = ask(lock, key, 'lock', 'write');
      return lock(key, (done) => {
        request.granted = now();
        return fn(noteEnd(request, done));
      });
    };
  }

  function rwlock(Lock) {
    // A release callback that comes before any release is the message that the hold expired.
    function watched(request, releaseCallback, obtained) {
      const released = (...args) => {
        request.expired = request.ended === undefined;
        request.ended ??= now();
        releaseCallback?.(...args);
      };
      const granted = (release) => {
        request.granted = now();
        return obtained(noteEnd(request, release));
      };
      return [released, granted];
    }

    return class RecordedLock extends Lock {
      readLock(key, releaseCallback, obtained) {
        const request = ask(this, key, 'read', 'read');
        return super.readLock(key, ...watched(request, releaseCallback, obtained));
      }
      writeLock(key, releaseCallback, obtained) {
        const request = ask(this, key, 'write', 'write');
        return super.writeLock(key, ...watched(request, releaseCallback, obtained));
      }
    };
  }

  return { keys, watch: { alock, rwlock } };
}

module.exports = { createRecorder };
