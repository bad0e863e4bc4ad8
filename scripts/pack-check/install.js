// Installs the packed package in empty folders, as its users do: by its own name and as either older package.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { ROOT, npm, must } = require('../command');

const EXAMPLES = path.join(ROOT, 'examples');
const CONSUMERS = path.join(__dirname, 'consumers');
const LATCHKEY_OUTPUT = `First!
Second!
ERR_LOCK_EXPIRED: Lock 'stream' timed out and was released automatically
the next one holds it
`;

/** Each way to install latchkey: a column's title, the name it then has, what npm is asked for, the programs. */
function waysToInstall(tarball) {
  const file = `file:${tarball}`;
  const alock = [example('first-second'), example('double-score')];
  const rwlockPlus = [example('read-write'), example('get-stream')];
  return [
    { title: 'latchkey', name: 'latchkey', spec: `latchkey@${file}`, programs: [ownProgram()] },
    { title: 'alock@file:', name: 'alock', spec: `alock@${file}`, programs: alock },
    { title: 'rwlock-plus@file:', name: 'rwlock-plus', spec: `rwlock-plus@${file}`, programs: rwlockPlus },
    {
      title: 'rwlock-plus@npm:',
      name: 'rwlock-plus',
      spec: 'rwlock-plus@npm:latchkey',
      programs: rwlockPlus,
    },
  ];
}

/** A documented example, unchanged; as .cjs, because Deno takes a lone .js file for an ES module. */
function example(name) {
  const source = fs.readFileSync(path.join(EXAMPLES, `${name}.js`), 'utf8');
  const stdout = fs.readFileSync(path.join(EXAMPLES, 'expected', `${name}.txt`), 'utf8');
  return { file: `${name}.cjs`, source, stdout };
}

function ownProgram() {
  const source = fs.readFileSync(path.join(CONSUMERS, 'latchkey.cjs'), 'utf8');
  return { file: 'latchkey.cjs', source, stdout: LATCHKEY_OUTPUT };
}

function esmProgram(name) {
  const template = fs.readFileSync(path.join(CONSUMERS, 'esm.mjs'), 'utf8');
  const source = template.replaceAll("'PACKAGE", `'${name}`);
  return { file: 'esm.mjs', source, stdout: 'default import\nnamed import, released\n' };
}

/**
 * Makes `folder`, installs there from `registry`, and writes the programs next to it. Resolves to the folder and
 * the programs, each `{ file, stdout }`.
 */
async function install({ name, spec, programs }, folder, registry, ...options) {
  fs.mkdirSync(folder, { recursive: true });
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
  const cache = path.join(path.dirname(folder), 'npm-cache');
  const command = npm(
    'install',
    spec,
    `--registry=${registry.url}`,
    `--cache=${cache}`,
    ...quiet,
    ...options,
  );
  await must(command, { cwd: folder, env: plainEnvironment(path.dirname(folder)) });
  checkInstalled(folder, name);
  const all = [...programs, esmProgram(name)];
  for (const { file, source } of all) fs.writeFileSync(path.join(folder, file), source);
  return { folder, programs: all };
}

function checkInstalled(folder, name) {
  const lock = JSON.parse(fs.readFileSync(path.join(folder, 'node_modules', '.package-lock.json'), 'utf8'));
  assert.ok(lock.packages[`node_modules/${name}`], `${name} was not installed`);
  for (const [where, entry] of Object.entries(lock.packages)) {
    assert.ok(!entry.hasInstallScript, `${where} has an install script`);
  }
}

/** The environment without what an outer npm, or the user's own settings of npm and Node, put there. */
function plainEnvironment(folder) {
  const foreign = /^(npm_|NODE_OPTIONS$|NODE_PATH$)/i;
  const env = Object.fromEntries(Object.entries(process.env).filter(([key]) => !foreign.test(key)));
  return {
    ...env,
    npm_config_userconfig: path.join(folder, 'no-user.npmrc'),
    npm_config_noproxy: '127.0.0.1',
  };
}

module.exports = { waysToInstall, install, plainEnvironment };
