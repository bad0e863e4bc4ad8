// `npm run pack:check [-- node20 node26 bun … bundlers]`: packs latchkey as a release does, looks into the packages, installs it
// in empty folders in every documented way, runs the documented examples there under each runtime, and bundles a program.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { ROOT, run } = require('./command');
const { setup } = require('./setup');
const { stage } = require('./stage');
const { checkBinary } = require('./pack-check/binaries');
const { bundlerChecks } = require('./pack-check/bundlers');
const { install, plainEnvironment, waysToInstall } = require('./pack-check/install');
const { openRegistry } = require('./pack-check/registry');
const { chooseRuntimes, installRuntimes } = require('./pack-check/runtimes');
const tarballs = require('./pack-check/tarballs');

const PROGRAM_TIMEOUT = 60_000;
const failures = [];

async function main(args) {
  const runtimes = args.filter((arg) => arg !== 'bundlers');
  // Without any, all that there is.
  const bundles = args.length === 0 || runtimes.length < args.length;
  const runtimeNames = bundles && args.length === 1 ? [] : chooseRuntimes(runtimes);
  await setup();
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'latchkey-pack-'));
  try {
    const packages = await checkPackages(work);
    const registry = await openRegistry(packages);
    try {
      const installs = await checkInstalls(packages, registry, work);
      if (runtimeNames.length > 0) await checkRuntimes(runtimeNames, installs, work);
      if (bundles) await checkBundlers(installs[0].folder, work);
    } finally {
      registry.close();
    }
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
  report();
}

/** Stages, packs and inspects. Resolves to the registry's packages, the root package first. */
async function checkPackages(work) {
  console.log('Packages');
  const staged = await stage(path.join(ROOT, 'native'), path.join(work, 'release'));
  const root = await tarballs.pack(staged.root);
  await check(`${root.manifest.name}: exactly the right files`, () => tarballs.checkRootFiles(root));
  await check(`${root.manifest.name}: no install script`, () => tarballs.checkNoInstallScripts(root));
  await check(`${root.manifest.name}: publint`, () => tarballs.publint(root));
  await check(`${root.manifest.name}: are the types wrong`, () => tarballs.areTheTypesWrong(root));

  const platforms = [];
  for (const { manifest, folder } of staged.platforms) {
    const platform = folder ? await tarballs.pack(folder) : { manifest };
    platforms.push(platform);
    if (!folder) continue;
    await check(`${manifest.name}: exactly the right files`, () => tarballs.checkPlatformFiles(platform));
    await check(`${manifest.name}: size, exports and imports of its binary`, () =>
      checkBinary(path.join(folder, manifest.main)),
    );
  }
  await check('the licences of all linked crates', () => tarballs.checkLicences());
  return [root, ...platforms];
}

/** Installs in every way. Resolves to one `{ title, folder, programs }` each. */
async function checkInstalls([root, ...platforms], registry, work) {
  console.log('\nInstallation with plain npm');
  const installs = [];
  for (const [index, way] of waysToInstall(root.tarball).entries()) {
    const folder = path.join(work, `install-${index}`);
    await check(`npm install ${way.spec.replace(path.dirname(root.tarball), '…')}`, async () => {
      installs.push({ title: way.title, ...(await install(way, folder, registry)) });
    });
  }
  const built = platforms.filter(({ tarball }) => tarball).map(({ manifest }) => manifest.name);
  await check(`of ${platforms.length} platform packages only this platform's was downloaded`, () => {
    const wanted = new Set(registry.downloads.filter((name) => name !== root.manifest.name));
    assert.equal(wanted.size, 1);
    assert.ok(built.includes([...wanted][0]), `${[...wanted]} is not one of ${built}`);
  });
  const platform = registry.downloads.find((name) => name !== root.manifest.name);
  await check('a missing binary names the platform and the way out', () =>
    checkMissingBinary(waysToInstall(root.tarball)[0], path.join(work, 'no-binary'), registry, platform),
  );
  return installs;
}

async function checkMissingBinary(way, folder, registry, platform) {
  await install(way, folder, registry, '--omit=optional');
  const source =
    "try { require('latchkey') } catch ({ code, message }) { console.log(`${code}\\n${message}`) }";
  const env = plainEnvironment(folder);
  const { output } = await run([process.execPath, ['--eval', source]], { cwd: folder, env });
  const [code, message = ''] = output.split('\n');
  assert.equal(code, 'ERR_LATCHKEY_NO_BINARY', output);
  assert.ok(message.includes(platform), `The message does not name ${platform}: ${message}`);
  assert.ok(message.includes('--omit=optional'), `The message does not say the way out: ${message}`);
}

/** Runs every install's programs under every runtime, and prints the table. */
async function checkRuntimes(names, installs, work) {
  console.log(`\nDocumented examples (runtimes: ${names.join(', ')})`);
  const runtimes = await installRuntimes(names);
  const width = Math.max(...installs.map(({ title }) => title.length)) + 2;
  const row = (head, cells) => {
    const padded = [head.padEnd(14), ...cells.map((cell) => cell.padEnd(width))];
    console.log(`  ${padded.join('').trimEnd()}`);
  };
  const titles = installs.map(({ title }) => title);
  row('', titles);
  for (const runtime of runtimes) {
    if (!runtime.file) {
      row(runtime.title, ['skipped: there is no pinned binary of it for this platform']);
      continue;
    }
    row(runtime.title, await Promise.all(installs.map((installed) => runCell(runtime, installed, work))));
  }
}

async function runCell({ title, file, args }, installed, work) {
  for (const program of installed.programs) {
    const options = { cwd: installed.folder, env: plainEnvironment(work), timeout: PROGRAM_TIMEOUT };
    const { code, output } = await run([file, [...args, program.file]], options);
    if (code === 0 && output === program.stdout) continue;
    const expected = code === 0 ? `\nexpected:\n${program.stdout}` : ` (exit code ${code})`;
    failures.push(`${title}: ${program.file} of ${installed.title}${expected}\nprinted:\n${output}`);
    return 'FAILED';
  }
  return 'ok';
}

async function checkBundlers(app, work) {
  console.log('\nBundlers and file tracing');
  const folder = path.join(work, 'bundled');
  for (const { title, body } of await bundlerChecks(app, folder)) await check(title, body);
}

/** A body may resolve to why it was skipped. */
async function check(title, body) {
  try {
    const skipped = await body();
    console.log(`  ok      ${title}${skipped ? ` (${skipped})` : ''}`);
  } catch (error) {
    failures.push(`${title}\n${error.message}`);
    console.log(`  FAILED  ${title}`);
  }
}

function report() {
  for (const failure of failures) console.error(`\n── ${failure}`);
  console.log(failures.length === 0 ? '\nAll checks passed.' : `\n${failures.length} checks failed.`);
  process.exitCode = failures.length === 0 ? 0 : 1;
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
