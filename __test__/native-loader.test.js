'use strict';
// Which binary is loaded, how fast, and which one is refused. Each program has a process of its own, in which the package was
// never loaded.

const { it, describe, before, after } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const support = require('./support/package-copy');
const { BINARY, OTHER_VERSION, copyPackage, renumberBinary, renumberJavaScript, version } = support;

const PLATFORM = BINARY.slice('latchkey.'.length, -'.node'.length);
const withoutMusl = PLATFORM.endsWith('-gnu') ? false : 'only a glibc system can have the packages of both';

let folder;
let count = 0;
before(() => (folder = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), 'latchkey-loader-'))));
after(() => fs.rmSync(folder, { recursive: true, force: true }));

/** An empty node_modules with latchkey in it, and the binary in the package of its own that npm puts beside it. */
function install({ platform = PLATFORM } = {}) {
  const modules = path.join(folder, String(count++), 'node_modules');
  const root = copyPackage(path.join(modules, 'latchkey'), ['package.json', 'index.js', 'lib']);
  fs.mkdirSync(path.join(root, 'native'));
  fs.copyFileSync(path.resolve(__dirname, '../native/binding.js'), path.join(root, 'native/binding.js'));
  const binary = path.join(modules, `@latchkey/native-${platform}`, `latchkey.${platform}.node`);
  fs.mkdirSync(path.dirname(binary), { recursive: true });
  fs.copyFileSync(path.resolve(__dirname, '../native', BINARY), binary);
  const manifest = { name: `@latchkey/native-${platform}`, version, main: path.basename(binary) };
  fs.writeFileSync(path.join(path.dirname(binary), 'package.json'), JSON.stringify(manifest));
  return { root, binary };
}

/** Requires a copy, and says what came of it, and whether the generated loader was needed. */
function requireCopy(root, { env = {}, before: first = '' } = {}) {
  const program = `${first}
    const seen = {};
    try {
      const { Locks } = require(${JSON.stringify(root)});
      seen.mode = new Locks().tryWrite('key').mode;
      seen.named = new Locks({ name: 'key' }).tryWrite('key').mode;
    } catch ({ code, message }) {
      Object.assign(seen, { code, message });
    }
    seen.generated = Object.keys(require.cache).some((file) => /binding\\.js$/.test(file));
    console.log(JSON.stringify(seen));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--eval', program], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  assert.equal(stderr, '');
  return JSON.parse(stdout);
}

describe('the binary', () => {
  it('is found in its package without the generated loader', () => {
    assert.deepEqual(requireCopy(install().root), { mode: 'write', named: 'write', generated: false });
  });

  it('is found so on musl, too', { skip: withoutMusl }, () => {
    const { root } = install({ platform: PLATFORM.replace(/gnu$/, 'musl') });
    // What distinguishes the two. The binary itself is glibc's, under the other's name.
    const pretend = `
      const fs = require('node:fs');
      const { existsSync } = fs;
      fs.existsSync = (file) => /^\\/lib\\/ld-musl-/.test(file) || existsSync(file);`;
    const seen = requireCopy(root, { before: pretend });
    assert.deepEqual(seen, { mode: 'write', named: 'write', generated: false });
  });
});

describe('a binary of another version', () => {
  for (const [what, renumberOne] of [
    ['is older than the JavaScript', ({ root }) => renumberJavaScript(root)],
    ['is newer than the JavaScript', ({ binary }) => renumberBinary(binary)],
  ]) {
    it(`is refused when it ${what}`, () => {
      const installed = install();
      renumberOne(installed);
      const { code, message } = requireCopy(installed.root);
      assert.equal(code, 'ERR_LATCHKEY_VERSION_MISMATCH', message);
      assert.ok(message.includes(version) && message.includes(OTHER_VERSION), message);
      assert.match(message, /remove node_modules and install again/);
    });
  }

  it('is refused when NAPI_RS_NATIVE_LIBRARY_PATH names it', () => {
    const { root, binary } = install();
    const other = path.join(folder, 'other.node');
    fs.copyFileSync(binary, other);
    renumberBinary(other);
    const { code } = requireCopy(root, { env: { NAPI_RS_NATIVE_LIBRARY_PATH: other } });
    assert.equal(code, 'ERR_LATCHKEY_VERSION_MISMATCH');
  });
});

describe('NAPI_RS_NATIVE_LIBRARY_PATH', () => {
  it('names a binary that is anywhere', () => {
    const { root, binary } = install();
    const elsewhere = path.join(folder, 'somewhere.node');
    fs.renameSync(binary, elsewhere);
    const seen = requireCopy(root, { env: { NAPI_RS_NATIVE_LIBRARY_PATH: elsewhere } });
    assert.deepEqual(seen, { mode: 'write', named: 'write', generated: false });
  });

  it('is named when there is no such file, and nothing else is loaded', () => {
    const { code, message } = requireCopy(install().root, {
      env: { NAPI_RS_NATIVE_LIBRARY_PATH: '/nowhere/latchkey.node' },
    });
    assert.equal(code, 'ERR_LATCHKEY_NO_BINARY');
    assert.match(message, /NAPI_RS_NATIVE_LIBRARY_PATH says that it is '\/nowhere\/latchkey\.node'/);
  });

  it('says why a file that is there cannot be loaded', () => {
    const file = path.join(folder, 'text.node');
    fs.writeFileSync(file, 'not a binary');
    const { code, message } = requireCopy(install().root, { env: { NAPI_RS_NATIVE_LIBRARY_PATH: file } });
    assert.equal(code, 'ERR_DLOPEN_FAILED');
    assert.match(message, /text\.node/);
  });
});
