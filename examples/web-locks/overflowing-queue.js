// Many wait for one lock, and each one's function returns at once, without a promise.

const { scenario } = require('./scenario');

scenario(__filename, {
  title: '2,000 wait, and each is done at once',

  async main({ locks, log }) {
    let release;
    const all = [locks.write('page', {}, () => new Promise((resolve) => (release = resolve)))];
    await new Promise(setImmediate);

    let served = 0;
    for (let i = 0; i < 2000; i++) all.push(locks.write('page', {}, () => void served++));
    process.on('exit', () => log(`${served} of 2000 were served`));
    release();
    await Promise.all(all);
  },
});
