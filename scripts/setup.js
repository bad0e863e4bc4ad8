// Brings a clone to where its programs run: dependencies installed, Rust addon built. Silent when nothing is
// to do. Uses only what Node brings, because node_modules may be missing.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { ROOT, npm, run } = require('./command');
const { provideRedis } = require('./redis');

const OLDEST_NODE = 20;
const RUST_SOURCES = ['Cargo.toml', 'Cargo.lock', 'build.rs', 'src', 'crates'];
const NOT_IN_THE_ADDON = ['tests', 'benches', 'examples', 'target'];

async function setup() {
  await requireTools();
  if (!dependenciesAreInstalled()) await step('Installing dependencies (about 20 s)', npm('ci'));
  if (!addonIsBuilt()) {
    await step('Building the Rust addon (some minutes the first time)', npm('run', 'build'));
  }
  await provideRedis();
}

async function requireTools() {
  requireNode();
  await requireRust();
}

function requireNode() {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < OLDEST_NODE) {
    fail(`latchkey needs Node.js ${OLDEST_NODE} or newer; this is ${process.version}.`);
  }
}

async function requireRust() {
  const oldest = readText('Cargo.toml').match(/^rust-version = "(\d+)\.(\d+)/m);
  const wanted = `Rust ${oldest[1]}.${oldest[2]} or newer (https://rustup.rs)`;
  for (const program of ['cargo', 'rustc']) {
    const { code, output } = await run([program, ['--version']]);
    const problem = code === 127 ? 'was not found' : `failed (${output.trim().split('\n')[0]})`;
    if (code !== 0)
      fail(`latchkey's engine is built from source, and ${program} ${problem}: install ${wanted}.`);
  }
  const rustc = await run(['rustc', ['--version']]);
  const found = rustc.output.match(/rustc (\d+)\.(\d+)/);
  const [major, minor] = [found[1] - oldest[1], found[2] - oldest[2]];
  if (major < 0 || (major === 0 && minor < 0)) {
    fail(`latchkey's engine needs ${wanted}; found ${rustc.output.trim()}.`);
  }
}

/** True when node_modules holds the versions that package-lock.json names. */
function dependenciesAreInstalled() {
  const installedFile = path.join(ROOT, 'node_modules', '.package-lock.json');
  if (!fs.existsSync(installedFile)) return false;
  const installed = JSON.parse(fs.readFileSync(installedFile, 'utf8')).packages;
  const locked = JSON.parse(readText('package-lock.json')).packages;
  return Object.entries(locked).every(([folder, entry]) => {
    if (folder === '') return true;
    // An optional package may be for another platform.
    if (!installed[folder]) return entry.optional === true;
    return installed[folder].version === entry.version;
  });
}

/** True when the addon and its loader exist and are newer than every Rust source. */
function addonIsBuilt() {
  const folder = path.join(ROOT, 'native');
  if (!fs.existsSync(path.join(folder, 'binding.js'))) return false;
  const addons = fs.readdirSync(folder).filter((name) => name.endsWith('.node'));
  if (addons.length === 0) return false;
  const built = Math.max(...addons.map((name) => fs.statSync(path.join(folder, name)).mtimeMs));
  return RUST_SOURCES.every((source) => newest(path.join(ROOT, source)) <= built);
}

/** The newest modification time of the Rust sources in a file or folder. */
function newest(file) {
  const stat = fs.statSync(file);
  if (!stat.isDirectory()) return /\.(rs|lua|toml|lock)$/.test(file) ? stat.mtimeMs : 0;
  const names = fs.readdirSync(file).filter((name) => !NOT_IN_THE_ADDON.includes(name));
  return Math.max(0, ...names.map((name) => newest(path.join(file, name))));
}

/** Runs one slow command; its output is shown only if it fails. */
async function step(what, command) {
  // A line of its own each: the Rust tests may be compiling beside it.
  process.stderr.write(`${what} …\n`);
  const start = Date.now();
  const { code, output } = await run(command);
  const seconds = Math.round((Date.now() - start) / 1000);
  process.stderr.write(
    code === 0 ? `  done in ${seconds} s\n` : `  failed after ${seconds} s\n\n${output}\n`,
  );
  if (code !== 0) process.exit(code);
}

function readText(file) {
  return fs.readFileSync(path.join(ROOT, file), 'utf8');
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

module.exports = { setup, requireTools };

if (require.main === module) setup();
