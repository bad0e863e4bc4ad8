'use strict';
// ES modules import the package by default and by name, and get the same functions as CommonJS.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const latchkey = require('latchkey');
const { freshKey } = require('./support/apis');

describe('an ES module', () => {
  it('gets by default what require gives', async () => {
    const { imported } = await import('./support/imports.mjs');
    assert.equal(imported.latchkey, latchkey);
    assert.equal(imported.alock, require('latchkey/alock'));
    assert.equal(imported.RwlockPlus, require('latchkey/rwlock-plus'));
  });

  it('gets every property by name', async () => {
    const { imported } = await import('./support/imports.mjs');
    for (const name of ['lock', 'Lock', 'LockError', 'LockExpiredError']) {
      assert.equal(imported[name], latchkey[name], name);
    }
    for (const [name, value] of Object.entries(latchkey))
      assert.equal(imported.everything[name], value, name);
    assert.equal(imported.alockLock, latchkey.lock);
    assert.equal(imported.RwlockPlusLock, latchkey.Lock);
  });

  it('shares keys with CommonJS code', async () => {
    const { imported } = await import('./support/imports.mjs');
    const key = freshKey();
    let granted = false;
    let release;
    imported.alock(key, (done) => (release = done));
    latchkey(key, () => (granted = true));
    assert.equal(granted, false);
    release();
    assert.equal(granted, true);
  });

  it('can extend and construct what it imported', async () => {
    const { imported } = await import('./support/imports.mjs');
    class Mine extends imported.latchkey {}
    let granted = false;
    new Mine(1000).readLock('key', null, () => (granted = true));
    assert.ok(granted);
  });
});
