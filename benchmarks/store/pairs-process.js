'use strict';
// The process that times pairs of acquire and release: the sides take turns.

const { answer } = require('../task');

const KEY = 'resource';
/** Pairs before those that are timed: the others have just had their turn. */
const WARM_UP = 10;

answer(async ({ port, adapters, rounds, turn }) => {
  const sides = adapters.map((name) => ({
    name,
    side: require(`./adapters/${name}`).open(port),
    samples: /** @type {number[]} */ ([]),
  }));
  for (const { side, name } of sides) await takeTurn(side, `${name} ${KEY}`, rounds * turn);
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < sides.length; i++) {
      const { name, side, samples } = sides[(round + i) % sides.length];
      await takeTurn(side, `${name} ${KEY}`, WARM_UP);
      samples.push(...(await takeTurn(side, `${name} ${KEY}`, turn)));
    }
  }
  for (const { side } of sides) side.close();
  return Object.fromEntries(sides.map(({ name, samples }) => [name, samples]));
});

/** @returns {Promise<number[]>} nanoseconds of each pair */
async function takeTurn(side, key, count) {
  const samples = [];
  for (let i = 0; i < count; i++) {
    const start = process.hrtime.bigint();
    const release = await side.acquire(key);
    await release();
    samples.push(Number(process.hrtime.bigint() - start));
  }
  return samples;
}
