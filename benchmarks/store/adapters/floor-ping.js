'use strict';
// A floor: the server is asked for nothing, once to acquire and once to release, over a bare socket. No lock at all.

const net = require('node:net');

/** @param {number} port */
function open(port) {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
  /** @type {() => void} */
  let answered;
  socket.on('data', () => answered());
  const ping = () =>
    new Promise((/** @type {(value?: any) => void} */ resolve) => {
      answered = resolve;
      socket.write('PING\r\n');
    });
  return {
    acquire: async () => {
      await ping();
      return ping;
    },
    close: () => socket.destroy(),
  };
}

module.exports = { label: 'two PINGs', open };
