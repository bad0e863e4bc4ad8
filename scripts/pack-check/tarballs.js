// Packs the staged packages and looks into the tarballs: exactly the right files, and what publint and
// @arethetypeswrong/cli say of them.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { ROOT, npm, must } = require('../command');
const { LICENCES } = require('../stage');

/** Packs a staged folder. Resolves to what the registry needs to know. */
async function pack(folder) {
  const report = JSON.parse(await must(npm('pack', '--json'), { cwd: folder }));
  const [{ filename, integrity, files }] = Object.values(report);
  const manifest = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'));
  return { manifest, integrity, tarball: path.join(folder, filename), files: files.map((file) => file.path) };
}

function checkRootFiles({ files }) {
  const lib = ['alock', 'first-lock', 'rwlock-plus'].map((name) => `lib/apis/${name}.js`);
  const entries = fs.readdirSync(ROOT).filter((name) => name.endsWith('.d.ts'));
  const declarations = [
    ...entries,
    ...fs.readdirSync(path.join(ROOT, 'types')).map((name) => `types/${name}`),
  ];
  const papers = ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json'];
  const expected = ['index.js', 'native/binding.js', ...declarations, ...lib, ...papers];
  checkSame(files, expected);
}

function checkSame(files, expected) {
  const missing = expected.filter((file) => !files.includes(file));
  const unwanted = files.filter((file) => !expected.includes(file));
  const problem = `missing: ${missing.join(', ') || 'none'}; not wanted: ${unwanted.join(', ') || 'none'}`;
  assert.ok(missing.length === 0 && unwanted.length === 0, problem);
}

function checkPlatformFiles({ files, manifest }) {
  checkSame(files, ['LICENSE', 'README.md', LICENCES, manifest.main, 'package.json']);
}

/** Names each crate that any platform's binary has linked in, in its version. */
async function checkLicences() {
  const { targets } = JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8')).napi;
  const platforms = targets.map((target) => `--target=${target}`);
  const tree = [
    'tree',
    '--locked',
    '--edges=normal,no-proc-macro',
    '--prefix=none',
    '--format={p}',
    ...platforms,
  ];
  const crates = (await must(['cargo', tree])).split('\n').map((line) => line.split(' '));
  const text = fs.readFileSync(path.join(ROOT, LICENCES), 'utf8');
  const isNamed = ([name, version]) => text.includes(`[${name} ${version.slice(1)}]`);
  const others = crates.filter(([name]) => name && !name.startsWith('latchkey'));
  const missing = others.filter((crate) => !isNamed(crate)).map((crate) => crate.slice(0, 2).join(' '));
  assert.deepEqual([...new Set(missing)], [], `${LICENCES} lacks these: npm run licences`);
}

/** Newer npm does not run install scripts, so no package may need one. */
function checkNoInstallScripts({ manifest }) {
  for (const name of ['preinstall', 'install', 'postinstall', 'prepare']) {
    assert.equal(manifest.scripts?.[name], undefined, `${manifest.name} has the script "${name}"`);
  }
}

async function publint({ tarball }) {
  const cli = path.join(ROOT, 'node_modules/publint/src/cli.js');
  await must([process.execPath, [cli, 'run', tarball, '--strict']]);
}

async function areTheTypesWrong({ tarball }) {
  const cli = path.join(ROOT, 'node_modules/@arethetypeswrong/cli/dist/index.js');
  await must([process.execPath, [cli, tarball, '--no-emoji']]);
}

module.exports = {
  pack,
  checkRootFiles,
  checkPlatformFiles,
  checkLicences,
  checkNoInstallScripts,
  publint,
  areTheTypesWrong,
};
