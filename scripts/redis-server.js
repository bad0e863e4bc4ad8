// Starts a Redis or Valkey server for one program: on a free port of this machine, without data and without files. It is
// gone when the program ends.
'use strict';

const { spawn } = require('node:child_process');
const net = require('node:net');
const os = require('node:os');
const { findProgram } = require('./redis');

const PROGRAMS = ['redis-server', 'valkey-server'];
const ATTEMPTS = 3;
/** Milliseconds until a server that says nothing is given up. */
const PATIENCE = 10_000;

const HOW_TO_INSTALL = `No Redis or Valkey server was found (${PROGRAMS.join(', ')}). To install one:

  Debian, Ubuntu    sudo apt-get install redis-server
  Fedora            sudo dnf install valkey
  Alpine            sudo apk add redis
  macOS             brew install redis
  Windows           in WSL, as on Ubuntu
`;

/** There is no server on the PATH; the message says how to install one. */
class NoServerError extends Error {
  constructor() {
    super(HOW_TO_INSTALL);
  }
}

/**
 * @typedef {object} Server
 * @property {number} port
 * @property {string} url as `new Locks` takes it
 * @property {string} version as it says it, such as 'redis-server 7.0.15'
 * @property {() => Promise<void>} stop
 */

/** @returns {Promise<Server>} once it answers */
async function startServer() {
  const found = findProgram(...PROGRAMS);
  if (found === null) throw new NoServerError();
  const { program, version } = found;
  for (let attempt = 1; ; attempt++) {
    const port = await findFreePort();
    try {
      const child = await launch(program, port);
      return { port, url: `redis://127.0.0.1:${port}`, version, stop: () => stop(child) };
    } catch (error) {
      // Somebody else may have taken the port meanwhile.
      if (attempt === ATTEMPTS) throw error;
    }
  }
}

/** A port that nobody uses at this moment. @returns {Promise<number>} */
function findFreePort() {
  return new Promise((resolve, reject) => {
    const probe = net.createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

/** @returns {Promise<import('node:child_process').ChildProcess>} once it accepts connections */
function launch(program, port) {
  const options = { port, bind: '127.0.0.1', dir: os.tmpdir(), save: '', appendonly: 'no', daemonize: 'no' };
  const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const child = spawn(program, flags, { stdio: ['ignore', 'pipe', 'inherit'] });
  const end = () => child.kill('SIGKILL');
  process.once('exit', end);
  child.once('close', () => process.off('exit', end));
  return new Promise((resolve, reject) => {
    let text = '';
    const give = (error) => {
      clearTimeout(timer);
      if (error === null) return resolve(child);
      end();
      reject(error);
    };
    const timer = setTimeout(() => give(new Error(`${program} did not start:\n${text}`)), PATIENCE);
    child.stdout.setEncoding('utf8').on('data', (part) => {
      text = (text + part).slice(-10_000);
      if (text.includes('Ready to accept connections')) give(null);
    });
    child.once('error', give);
    child.once('close', (code) => give(new Error(`${program} ended with ${code}:\n${text}`)));
  });
}

/** @param {import('node:child_process').ChildProcess} child */
function stop(child) {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once('close', () => resolve());
    // It has nothing to save.
    child.kill('SIGKILL');
  });
}

module.exports = { findFreePort, startServer, NoServerError };
