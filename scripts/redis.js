// The program redis-server, on which the tests and the demo of the store run: finds it; installs it on CI, where it may;
// else says how. Uses only what Node brings.
'use strict';

const { spawnSync } = require('node:child_process');
const path = require('node:path');
const { run } = require('./command');

const HOW_TO_INSTALL = 'apt-get install redis-server (Debian, Ubuntu), or brew install redis (macOS)';

/**
 * The first of these programs that is on the PATH; the one that the environment's REDIS_SERVER names, if it does.
 *
 * @param {...string} names such as 'redis-server'
 * @returns {{ program: string, version: string } | null} the version with the name, such as 'redis-server 7.0.15'
 */
function findProgram(...names) {
  for (const program of process.env.REDIS_SERVER ? [process.env.REDIS_SERVER] : names) {
    const version = versionOf(program);
    if (version !== null) return { program, version };
  }
  return null;
}

/**
 * @param {string} program its name or path
 * @returns {string | null} such as 'redis-server 7.0.15'; null if it cannot be started
 */
function versionOf(program) {
  const { status, stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' });
  const number = /v=(\S+)/.exec(stdout ?? '')?.[1] ?? 'of an unknown version';
  return status === 0 ? `${path.basename(program)} ${number}` : null;
}

async function provideRedis() {
  if (findProgram('redis-server')) return;
  if (process.env.CI && process.platform === 'linux') await install();
  if (findProgram('redis-server')) return;
  process.stderr.write(
    `redis-server was not found; what needs it is skipped. To have it: ${HOW_TO_INSTALL}\n`,
  );
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

module.exports = { HOW_TO_INSTALL, findProgram, provideRedis, versionOf };
