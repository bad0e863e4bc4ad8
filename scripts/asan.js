'use strict';
// `npm run test:asan`: one JavaScript suite of each area on an addon that AddressSanitizer watches: a read or a write of memory
// that the addon has freed, or that is not its own, ends the process with a report.
//
// Needs Linux, a nightly compiler, and gcc, of which comes the library that has to be in the process before the addon.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { ROOT, must } = require('./command');

/** One of each: what callbacks, promises, named spaces, workers, stores, posted requests and ending copies do, and all at once. */
const SUITES = [
  ...[
    'expiry',
    'promise-calls',
    'multi-key',
    'named-spaces',
    'named-death',
    'store-callbacks',
    'store-busy-threads',
  ],
  ...['posting-order', 'loaded-anew-collected', 'mixed-programs'],
].map((name) => `__test__/${name}.test.js`);
/** How many mixed programs. */
const PROGRAMS = '20';

const TARGET = `${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-unknown-linux-gnu`;
const FOLDER = path.join(ROOT, 'target/asan');

/** Builds the addon, as a file of the name that an addon has. */
async function build() {
  const env = { ...process.env, RUSTFLAGS: '-Zsanitizer=address', CARGO_TARGET_DIR: FOLDER };
  // For a target that is named, so that what runs while it is built is not watched.
  await must(['cargo', ['+nightly', 'build', '--target', TARGET]], { env, stream: true });
  const addon = path.join(FOLDER, `latchkey.linux-${process.arch}-gnu.node`);
  fs.copyFileSync(path.join(FOLDER, TARGET, 'debug/liblatchkey.so'), addon);
  return addon;
}

async function main() {
  if (process.platform !== 'linux') throw new Error('AddressSanitizer is run on Linux only');
  const addon = await build();
  const library = (await must(['gcc', ['-print-file-name=libasan.so']])).trim();
  const env = {
    ...process.env,
    NAPI_RS_NATIVE_LIBRARY_PATH: addon,
    LD_PRELOAD: fs.realpathSync(library),
    // Leaks are not looked for: Node itself leaves at its end what the system frees anyway.
    ASAN_OPTIONS: 'detect_leaks=0',
    LATCHKEY_PROGRAMS: PROGRAMS,
  };
  const { status } = spawnSync(
    process.execPath,
    ['--test', '--expose-gc', '--test-reporter=spec', ...SUITES],
    {
      stdio: 'inherit',
      cwd: ROOT,
      env,
    },
  );
  process.exitCode = status ?? 1;
}

main();
