'use strict';
// Requests for a key are granted in the order they arrive; readers next to each other share; nobody overtakes.

const { it } = require('node:test');
const assert = require('node:assert/strict');
const { apis, sharing, overApis, overModes, freshKey } = require('./support/apis');
const { hold } = require('./support/queue');

/** Asks, and logs the grant; `releases` gets the release functions by name. */
function asker(locks, log, releases = {}) {
  return (mode, key, name, inside) =>
    locks[mode](key, (release) => {
      log.push(name);
      releases[name] = release;
      inside?.(release);
    });
}

overModes('order', apis, (api, mode) => {
  it('is the order of arrival, for a thousand', () => {
    const locks = api.open();
    const key = freshKey();
    const log = [];
    const release = hold(locks, 'write', key);
    for (let i = 0; i < 1000; i++) {
      locks[mode](key, (releaseNext) => {
        log.push(i);
        releaseNext();
      });
    }
    release();
    assert.deepEqual(log, [...Array(1000).keys()]);
  });

  it('is each key’s own', () => {
    const locks = api.open();
    const [a, b] = [freshKey(), freshKey()];
    const log = [];
    const ask = asker(locks, log);
    const releaseA = hold(locks, 'write', a);
    const releaseB = hold(locks, 'write', b);
    ask(mode, a, 'a', (release) => release());
    ask(mode, b, 'b', (release) => release());
    releaseB();
    assert.deepEqual(log, ['b']);
    releaseA();
    assert.deepEqual(log, ['b', 'a']);
  });

  it('holds for a request made inside a callback: it goes to the end', () => {
    const locks = api.open();
    const key = freshKey();
    const log = [];
    const ask = asker(locks, log);
    const release = hold(locks, 'write', key);
    ask('write', key, 'first', (releaseFirst) => {
      ask(mode, key, 'inside', (releaseInside) => releaseInside());
      releaseFirst();
    });
    ask('write', key, 'second', (releaseSecond) => releaseSecond());
    release();
    assert.deepEqual(log, ['first', 'second', 'inside']);
  });
});

overApis('an instance', sharing, (api) => {
  it('knows nothing of another one’s keys', () => {
    const log = [];
    hold(api.open(), 'write', 'key');
    api.open().write('key', () => log.push('granted'));
    assert.deepEqual(log, ['granted']);
  });
});

overApis('readers', sharing, (api) => {
  it('share a key', () => {
    const log = [];
    const ask = asker(api.open(), log);
    for (const name of ['a', 'b', 'c']) ask('read', 'key', name);
    assert.deepEqual(log, ['a', 'b', 'c']);
  });

  it('wait behind a writer, and are granted together', () => {
    const locks = api.open();
    const log = [];
    const ask = asker(locks, log);
    const release = hold(locks, 'write', 'key');
    for (const name of ['a', 'b', 'c']) ask('read', 'key', name);
    assert.deepEqual(log, []);
    release();
    assert.deepEqual(log, ['a', 'b', 'c']);
  });

  it('keep a writer waiting until the last of them is released', () => {
    const locks = api.open();
    const log = [];
    const releases = [1, 2, 3].map(() => hold(locks, 'read', 'key'));
    asker(locks, log)('write', 'key', 'writer');
    releases[1]();
    releases[0]();
    assert.deepEqual(log, []);
    releases[2]();
    assert.deepEqual(log, ['writer']);
  });

  it('wait behind a waiting writer, although they could share with those who hold', () => {
    const locks = api.open();
    const log = [];
    const releases = {};
    const ask = asker(locks, log, releases);
    ask('read', 'key', 'r1');
    ask('write', 'key', 'w1');
    ask('read', 'key', 'r2');
    ask('read', 'key', 'r3');
    ask('write', 'key', 'w2');
    ask('read', 'key', 'r4');
    assert.deepEqual(log, ['r1']);
    releases.r1();
    assert.deepEqual(log, ['r1', 'w1']);
    releases.w1();
    assert.deepEqual(log, ['r1', 'w1', 'r2', 'r3']);
    releases.r3();
    releases.r2();
    assert.deepEqual(log, ['r1', 'w1', 'r2', 'r3', 'w2']);
    releases.w2();
    assert.deepEqual(log, ['r1', 'w1', 'r2', 'r3', 'w2', 'r4']);
  });
});

overApis('a request inside the first of several readers granted together', sharing, (api) => {
  it('runs after them, and before its call returns, if it reads', () => {
    const locks = api.open();
    const log = [];
    const ask = asker(locks, log);
    const release = hold(locks, 'write', 'key');
    ask('read', 'key', 'a', () => {
      ask('read', 'key', 'inside a');
      log.push('a goes on');
    });
    ask('read', 'key', 'b', () => ask('read', 'key', 'inside b'));
    ask('read', 'key', 'c');
    release();
    log.push('returned');
    assert.deepEqual(log, ['a', 'b', 'c', 'inside a', 'inside b', 'a goes on', 'returned']);
  });

  it('goes on so when each asks for another', () => {
    const locks = api.open();
    const log = [];
    const ask = asker(locks, log);
    const release = hold(locks, 'write', 'key');
    const again = (n) => () => n < 5 && ask('read', 'key', `a${n}`, again(n + 1));
    ask('read', 'key', 'a0', again(1));
    ask('read', 'key', 'b');
    release();
    assert.deepEqual(log, ['a0', 'b', 'a1', 'a2', 'a3', 'a4']);
  });

  it('waits for all of them, if it writes', () => {
    const locks = api.open();
    const log = [];
    const releases = {};
    const ask = asker(locks, log, releases);
    const release = hold(locks, 'write', 'key');
    ask('read', 'key', 'a', (releaseA) => {
      ask('write', 'key', 'writer');
      releaseA();
    });
    ask('read', 'key', 'b', (releaseB) => releaseB());
    ask('read', 'key', 'c');
    release();
    assert.deepEqual(log, ['a', 'b', 'c']);
    releases.c();
    assert.deepEqual(log, ['a', 'b', 'c', 'writer']);
  });

  it('is granted at once on another key', () => {
    const locks = api.open();
    const log = [];
    const ask = asker(locks, log);
    const release = hold(locks, 'write', 'key');
    ask('read', 'key', 'a', () => {
      ask('read', 'other', 'other');
      log.push('a goes on');
    });
    ask('read', 'key', 'b');
    release();
    assert.deepEqual(log, ['a', 'other', 'a goes on', 'b']);
  });

  it('does not let a writer behind them in early when each releases inside its callback', () => {
    const locks = api.open();
    const log = [];
    const ask = asker(locks, log);
    const release = hold(locks, 'write', 'key');
    for (const name of ['a', 'b', 'c']) ask('read', 'key', name, (releaseReader) => releaseReader());
    ask('write', 'key', 'writer', (releaseWriter) => releaseWriter());
    ask('read', 'key', 'd');
    release();
    assert.deepEqual(log, ['a', 'b', 'c', 'writer', 'd']);
  });
});
