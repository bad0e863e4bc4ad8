// Loaded before a program (`node --require`) that another process has forked, it reports to that process who held and who
// waited, and when. It listens to latchkey's diagnostics channels: the program that uses the locks need not know.

const { subscribe } = require('node:diagnostics_channel');

/** Milliseconds by a clock that all processes of a machine share. */
const now = () => performance.timeOrigin + performance.now();

for (const what of ['wait', 'grant', 'release']) {
  subscribe(`latchkey:${what}`, ({ fence }) => process.send({ what, fence, time: now() }));
}
// The other process ends this one's life, not the channel to it.
process.channel?.unref();
