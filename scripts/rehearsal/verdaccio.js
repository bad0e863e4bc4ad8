// A registry on 127.0.0.1 that takes publications, as npm's does, and knows of no package but those.
'use strict';

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const { plainEnvironment } = require('../pack-check/install');
const { findFreePort } = require('../redis-server');

const ATTEMPTS = 600;

/**
 * Starts one with its data in `folder`. `env` makes an npm use it; `versions` and `tags` resolve to what it has of a package.
 *
 * @param {string} modules where verdaccio is installed
 */
async function openVerdaccio(modules, folder) {
  const url = `http://127.0.0.1:${await findFreePort()}`;
  fs.mkdirSync(folder, { recursive: true });
  const config = path.join(folder, 'config.json');
  fs.writeFileSync(config, JSON.stringify(settings(folder)));
  const cli = path.join(modules, 'verdaccio', 'bin', 'verdaccio');
  const child = spawn(process.execPath, [cli, '--config', config, '--listen', url], { stdio: 'ignore' });
  await answers(url, child);
  const about = async (name) => {
    const response = await fetch(`${url}/${name.replace('/', '%2f')}`);
    return response.ok ? response.json() : {};
  };
  return {
    url,
    env: environment(url, folder),
    versions: async (name) => Object.keys((await about(name)).versions ?? {}),
    tags: async (name) => (await about(name))['dist-tags'],
    close: () => child.kill(),
  };
}

function settings(folder) {
  return {
    storage: path.join(folder, 'storage'),
    packages: { '**': { access: '$all', publish: '$all' } },
    max_body_size: '100mb',
    web: { enable: false },
    log: { type: 'file', path: path.join(folder, 'log'), level: 'warn' },
  };
}

function environment(url, folder) {
  const userconfig = path.join(folder, 'npmrc');
  // npm publishes nothing without one, whatever it is.
  fs.writeFileSync(userconfig, `${url.replace('http:', '')}/:_authToken=anybody\n`);
  return {
    ...plainEnvironment(folder),
    npm_config_userconfig: userconfig,
    npm_config_registry: url,
    npm_config_cache: path.join(folder, 'npm-cache'),
  };
}

async function answers(url, child) {
  for (let attempt = 0; attempt < ATTEMPTS && child.exitCode === null; attempt++) {
    const response = await fetch(`${url}/-/ping`).catch(() => undefined);
    if (response?.ok) return;
    await sleep(100);
  }
  child.kill();
  throw new Error('verdaccio does not start');
}

module.exports = { openVerdaccio };
