'use strict';
// A callback that throws: the error comes out of the call that ran it, and nothing else is lost.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const { apis, notifying, sharing, expiring, overApis, overModes, freshKey } = require('./support/apis');
const { hold } = require('./support/queue');
const { block } = require('./support/until');
const { run } = require('./support/child');

const boom = (what = 'boom') => {
  throw new Error(what);
};

overModes('a throw from the callback', apis, (api, mode) => {
  it('of a free key comes out of the call, and the key stays held until it is released', () => {
    const locks = api.open();
    const key = freshKey();
    const log = [];
    let release;
    const obtained = (given) => {
      release = given;
      boom();
    };
    assert.throws(() => locks[mode](key, obtained), { message: 'boom' });
    locks.write(key, () => log.push('next'));
    assert.deepEqual(log, []);
    release();
    assert.deepEqual(log, ['next']);
  });

  it('of a queued request comes out of release(), and the key stays held until it is released', () => {
    const locks = api.open();
    const key = freshKey();
    const log = [];
    let releaseThrower;
    const release = hold(locks, 'write', key);
    locks[mode](key, (given) => {
      releaseThrower = given;
      boom();
    });
    locks.write(key, () => log.push('next'));
    assert.throws(release, { message: 'boom' });
    assert.deepEqual(log, []);
    releaseThrower();
    assert.deepEqual(log, ['next']);
  });

  it('that comes after its release leaves the key free', () => {
    const locks = api.open();
    const key = freshKey();
    const obtained = (release) => {
      release();
      boom();
    };
    assert.throws(() => locks[mode](key, obtained), { message: 'boom' });
    hold(locks, 'write', key)();
  });

  it('may be any value, undefined too', () => {
    for (const value of [undefined, null, 0, 'text']) {
      const seen = [];
      try {
        api.open()[mode](freshKey(), () => {
          throw value;
        });
        seen.push('returned');
      } catch (error) {
        seen.push(error);
      }
      assert.deepEqual(seen, [value]);
    }
  });

  it('deep in a long queue comes out of the first release(), and none is passed over', () => {
    const locks = api.open();
    const key = freshKey();
    const log = [];
    const release = hold(locks, 'write', key);
    for (let i = 0; i < 500; i++) {
      locks[mode](key, (releaseNext) => {
        log.push(i);
        releaseNext();
        if (i === 400) boom();
      });
    }
    assert.throws(release, { message: 'boom' });
    assert.deepEqual(log, [...Array(500).keys()]);
    hold(locks, 'write', key)();
  });
});

overModes('a throw from the release callback', notifying, (api, mode) => {
  it('comes out of release(), and the key is free', () => {
    const locks = api.open();
    const release = hold(locks, mode, 'key', boom);
    assert.throws(() => release('mine'), { message: 'mine' });
    release('not again');
    hold(locks, 'write', 'key')();
  });

  it('comes after the next one’s grant', () => {
    const locks = api.open();
    const log = [];
    const release = hold(locks, mode, 'key', boom);
    locks.write('key', () => log.push('next'));
    assert.throws(() => release('mine'), { message: 'mine' });
    assert.deepEqual(log, ['next']);
  });
});

overApis('a throw from the next one’s callback', notifying, (api) => {
  it('does not keep the release callback from being called', () => {
    const locks = api.open();
    const log = [];
    const release = hold(locks, 'write', 'key', (word) => log.push(word));
    locks.write('key', () => boom());
    assert.throws(() => release('released'), { message: 'boom' });
    assert.deepEqual(log, ['released']);
  });
});

overApis('a throw from one of several readers granted together', sharing, (api) => {
  it('does not keep the others, and those they ask for, from being granted', () => {
    const locks = api.open();
    const log = [];
    const release = hold(locks, 'write', 'key', (word) => log.push(word));
    locks.read('key', () => log.push('a'));
    locks.read('key', () => {
      locks.read('key', () => log.push('inside b'));
      boom('b');
    });
    locks.read('key', () => log.push('c'));
    assert.throws(() => release('released'), { message: 'b' });
    assert.deepEqual(log, ['a', 'c', 'inside b', 'released']);
  });
});

overModes('a throw when a newcomer ends an overdue hold', expiring, (api, mode) => {
  it('comes out of the newcomer’s call, which is granted all the same', () => {
    const locks = api.open({ expiry: 5 });
    const log = [];
    hold(locks, mode, 'key', () => boom('expired'));
    block(10);
    assert.throws(() => locks.write('key', () => log.push('newcomer')), { message: 'expired' });
    assert.deepEqual(log, ['newcomer']);
  });
});

/** A program's start: reports uncaught exceptions in order, and goes on. */
const REPORT = `process.on('uncaughtException', (error) => console.log('uncaught', error.message));`;

/** Runs a program after REPORT, and gives the lines that it printed. */
async function lines(program) {
  const { code, stdout, stderr } = await run(`() => { ${REPORT} (${program})(); }`);
  assert.equal(stderr, '');
  assert.equal(code, 0);
  return stdout.trim().split('\n');
}

describe('errors that no call can throw become uncaught exceptions', () => {
  it('of several in one release, all but the first', async () => {
    const printed = await lines(() => {
      const { Lock } = require('latchkey');
      const lock = new Lock();
      let release;
      const released = () => {
        throw new Error('release callback');
      };
      lock.writeLock('key', released, (given) => (release = given));
      for (const name of ['a', 'b', 'c']) {
        lock.readLock('key', null, () => {
          console.log('obtained', name);
          if (name !== 'b') throw new Error(name);
        });
      }
      try {
        release();
      } catch (error) {
        console.log('caught', error.message);
      }
      console.log('goes on');
    });
    assert.deepEqual(printed, [
      ...['obtained a', 'obtained b', 'obtained c', 'caught a', 'goes on'],
      ...['uncaught c', 'uncaught release callback'],
    ]);
  });

  it('from the callbacks that the timer runs: each is reported, and every grant happens', async () => {
    const printed = await lines(() => {
      const { Lock } = require('latchkey');
      const lock = new Lock(500);
      const fail = (what) => () => {
        console.log(what);
        throw new Error(what);
      };
      lock.readLock('key', fail('expired a'), () => {});
      lock.readLock('key', fail('expired b'), () => {});
      lock.writeLock('key', fail('expired c'), fail('obtained c'));
      lock.writeLock('key', null, (release) => {
        console.log('obtained d');
        release();
      });
    });
    const delivered = printed.filter((line) => !line.startsWith('uncaught'));
    const uncaught = printed.filter((line) => line.startsWith('uncaught'));
    assert.deepEqual(delivered, ['expired a', 'expired b', 'obtained c', 'expired c', 'obtained d']);
    assert.deepEqual(
      uncaught.sort(),
      delivered
        .slice(0, 4)
        .map((what) => `uncaught ${what}`)
        .sort(),
    );
  });

  it('from a logger: the holder is notified and the next one granted', async () => {
    const printed = await lines(() => {
      const { Lock } = require('latchkey');
      const warn = () => {
        throw new Error('logger');
      };
      const lock = new Lock(500, { warn });
      lock.writeLock(
        'key',
        (error) => console.log(error.code),
        () => {},
      );
      lock.writeLock('key', null, () => console.log('next'));
    });
    assert.deepEqual(printed, ['ERR_LOCK_EXPIRED', 'next', 'uncaught logger']);
  });

  it('and end the process, as any other does, when nobody catches them', async () => {
    const { code, stderr } = await run(() => {
      const { Lock } = require('latchkey');
      const lock = new Lock(500);
      const released = () => {
        throw new Error('from the release callback');
      };
      lock.writeLock('key', released, () => {});
      lock.writeLock('key', null, () => {});
    });
    assert.notEqual(code, 0);
    assert.match(stderr, /from the release callback/);
  });
});
