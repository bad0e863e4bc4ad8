// Brings redis-server, on which the tests and the demo of the store run: installs it on CI, where it may; else says how.
'use strict';

const { run } = require('./command');

const HOW = 'apt-get install redis-server (Debian, Ubuntu), or brew install redis (macOS)';

async function provideRedis() {
  if (await isThere()) return;
  if (process.env.CI && process.platform === 'linux') await install();
  if (await isThere()) return;
  process.stderr.write(`redis-server was not found; what needs it is skipped. To have it: ${HOW}\n`);
}

async function isThere() {
  return (await run(['redis-server', ['--version']])).code === 0;
}

async function install() {
  process.stderr.write('Installing redis-server … ');
  const isRoot = process.getuid?.() === 0;
  const aptGet = (...args) =>
    run(isRoot ? ['apt-get', args] : ['sudo', ['-n', 'apt-get', ...args]], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
  await aptGet('update');
  const { code, output } = await aptGet('install', '-y', '--no-install-recommends', 'redis-server');
  process.stderr.write(code === 0 ? 'done\n' : `failed\n\n${output}\n`);
}

module.exports = { provideRedis };
