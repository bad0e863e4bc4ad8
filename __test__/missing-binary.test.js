'use strict';
// Without a native binary, require says so in one error: which platform, and the way out.

const { it, describe, before, after } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { ROOT } = require('./support/child');

describe('require without a native binary', () => {
  let folder;
  before(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'latchkey-missing-'));
    for (const name of ['package.json', 'index.js', 'lib']) {
      fs.cpSync(path.join(ROOT, name), path.join(folder, name), { recursive: true });
    }
    fs.mkdirSync(path.join(folder, 'native'));
    fs.copyFileSync(path.join(ROOT, 'native/binding.js'), path.join(folder, 'native/binding.js'));
  });
  after(() => fs.rmSync(folder, { recursive: true, force: true }));

  for (const entry of ['index.js', 'lib/apis/alock.js', 'lib/apis/rwlock-plus.js']) {
    it(`throws ERR_LATCHKEY_NO_BINARY, names the platform and the way out (${entry})`, () => {
      assert.throws(
        () => require(path.join(folder, entry)),
        (error) => {
          assert.equal(error.code, 'ERR_LATCHKEY_NO_BINARY');
          assert.ok(error.message.includes(`${process.platform}-${process.arch}`), error.message);
          assert.ok(error.message.includes(`@latchkey/native-${process.platform}-${process.arch}`));
          assert.match(error.message, /install again/);
          assert.match(error.message, /Rust/);
          assert.ok(error.cause instanceof Error);
          return true;
        },
      );
    });
  }
});
