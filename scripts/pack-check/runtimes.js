// The runtimes that the packed package is tried under: pinned in scripts/runtimes, installed on demand.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { ROOT, npm, must } = require('../command');

const PINS = path.join(ROOT, 'scripts', 'runtimes');
const FOLDER = path.join(ROOT, '.cache', 'runtimes');

const NODE = { title: 'Node', binary: 'bin/node', args: [] };
const RUNTIMES = {
  node20: NODE,
  node22: NODE,
  node24: NODE,
  node26: NODE,
  bun: { title: 'Bun', binary: 'bin/bun', args: [] },
  // `run` would ask before each file it reads; the addon needs to be allowed as well.
  deno: { title: 'Deno', binary: 'deno', args: ['run', '--allow-all', '--quiet'] },
};

/** The names on the command line as runtime names: all without any, the Nodes for `--node-only`. */
function chooseRuntimes(args) {
  const all = Object.keys(RUNTIMES);
  if (args.length === 0) return all;
  const names = args.flatMap((arg) =>
    arg === '--node-only' ? all.filter((name) => name.startsWith('node')) : arg,
  );
  const unknown = names.filter((name) => !all.includes(name));
  if (unknown.length > 0) {
    throw new Error(`Unknown runtime: ${unknown.join(', ')}. Choose from ${all.join(', ')}, or --node-only.`);
  }
  return all.filter((name) => names.includes(name));
}

/**
 * Installs those of `names` that are missing or not the pinned version, and resolves to one
 * `{ title, file, args }` each. `file` is undefined where there is none for this platform.
 */
async function installRuntimes(names) {
  const pins = JSON.parse(fs.readFileSync(path.join(PINS, 'package.json'), 'utf8')).optionalDependencies;
  const isPinned = (name) => pins[name].endsWith(`@${installedVersion(name)}`);
  if (!names.every(isPinned)) {
    const wanted = Object.keys(pins).filter((name) => names.includes(name) || installedVersion(name));
    const optionalDependencies = Object.fromEntries(wanted.map((name) => [name, pins[name]]));
    fs.mkdirSync(FOLDER, { recursive: true });
    fs.writeFileSync(
      path.join(FOLDER, 'package.json'),
      JSON.stringify({ private: true, optionalDependencies }),
    );
    // The lock names more than is wanted; npm drops the rest, and keeps the checksums.
    fs.copyFileSync(path.join(PINS, 'package-lock.json'), path.join(FOLDER, 'package-lock.json'));
    await must(npm('install', '--ignore-scripts', '--no-audit', '--no-fund'), { cwd: FOLDER });
  }
  return names.map((name) => {
    const { title, binary, args } = RUNTIMES[name];
    if (!isPinned(name)) return { title, file: undefined, args };
    const file = path.join(FOLDER, 'node_modules', name, binary);
    return { title: `${title} ${installedVersion(name)}`, file, args };
  });
}

function installedVersion(name) {
  const file = path.join(FOLDER, 'node_modules', name, 'package.json');
  return fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')).version : undefined;
}

module.exports = { chooseRuntimes, installRuntimes };
