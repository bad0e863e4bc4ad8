// Packs the staged packages and looks into the tarballs: exactly the right files, and what publint and
// @arethetypeswrong/cli say of them.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { ROOT, npm, must } = require('../command');

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
  checkSame(files, ['LICENSE', 'README.md', manifest.main, 'package.json']);
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
  checkNoInstallScripts,
  publint,
  areTheTypesWrong,
};
