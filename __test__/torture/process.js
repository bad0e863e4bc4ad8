'use strict';
// A process of the torture over a store: plays one program after the other, until one of them ends it.

const { FileLog } = require('./file-log');
const { Program } = require('./program');

process.on('disconnect', () => process.exit());
process.on('message', async ({ file, begin, plan, end }) => {
  const log = new FileLog(file, BigInt(begin));
  const thread = process.pid;
  const ways = {
    exit() {
      log.add('dying', { thread });
      process.exit(0);
    },
    throw: () =>
      setImmediate(() => {
        log.add('dying', { thread });
        throw new Error('meant to be thrown');
      }),
  };
  try {
    await new Program(log, { ...plan, thread }).run(ways[end]);
    // One that is to throw may be done before it does.
    if (end !== 'throw') process.send({ fault: null });
  } catch (error) {
    process.send({ fault: error.stack ?? String(error) });
  }
  log.close();
});
