// Lays out the packages of a release: the root package, and one package per platform that carries its binary.
//
//     node scripts/stage.js <folder with the .node files> <new folder>
//
// writes <new folder>/latchkey and <new folder>/native-<platform>, packs each into a tarball beside them, and adds the script
// that publishes those.
// `npm run pack:check` packs the same layout, so what it tests is what a release publishes.
//
// napi-rs's own tools are not enough here: `napi create-npm-dirs` writes much the same manifests, but only inside the repository,
// where no test can lay out its own, and without the licences; `napi prepublish` publishes at once, with no way to go on
// after a failure and no tag for a prerelease.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { bundle, isSource } = require('./bundle');
const { ROOT, npm, must } = require('./command');

const CPU = { x86_64: 'x64', aarch64: 'arm64' };
const OS = { linux: 'linux', darwin: 'darwin', windows: 'win32' };
const LIBC = { gnu: 'glibc', musl: 'musl' };
/** The licences of what a binary has linked in: written by `npm run licences`, see about.toml. */
const LICENCES = 'THIRD-PARTY-LICENCES.md';

/** A Rust target as npm sees it: `x86_64-unknown-linux-gnu` is linux, x64, glibc, and named `linux-x64-gnu`. */
function platformOf(target) {
  const [arch, , system, abi] = target.split('-');
  const [os, cpu] = [OS[system], CPU[arch]];
  const name = [os, cpu, abi].filter(Boolean).join('-');
  return { name, os, cpu, libc: os === 'linux' ? LIBC[abi] : undefined };
}

/** The manifests of all platform packages that package.json declares, at the root package's version. */
function platformPackages(root) {
  const { binaryName, packageName, targets } = root.napi;
  const { version, license, author, homepage, repository, engines } = root;
  const shared = { version, license, author, homepage, repository, engines };
  return targets.map(platformOf).map(({ name, os, cpu, libc }) => {
    const binary = `${binaryName}.${name}.node`;
    const description = `The ${name} binary of latchkey`;
    const platform = { os: [os], cpu: [cpu], libc: libc && [libc] };
    const files = { main: binary, files: [binary, LICENCES] };
    const manifest = { name: `${packageName}-${name}`, description, ...shared, ...files, ...platform };
    return { folder: `native-${name}`, binary, manifest };
  });
}

/**
 * Copies what `npm pack` would take of this repository, but bundles its JavaScript, and adds the platform packages to its
 * manifest.
 */
async function stageRoot(root, platforms, folder) {
  const [{ files }] = Object.values(JSON.parse(await must(npm('pack', '--dry-run', '--json'))));
  const copied = files.map((file) => file.path).filter((file) => !isSource(file));
  for (const file of copied) {
    fs.mkdirSync(path.join(folder, path.dirname(file)), { recursive: true });
    fs.copyFileSync(path.join(ROOT, file), path.join(folder, file));
  }
  fs.mkdirSync(path.join(folder, 'lib', 'apis'), { recursive: true });
  for (const [file, text] of Object.entries(await bundle())) fs.writeFileSync(path.join(folder, file), text);
  const names = platforms.map(({ manifest }) => [manifest.name, manifest.version]);
  writeJson(folder, { ...root, optionalDependencies: Object.fromEntries(names) });
}

function stagePlatform({ binary, manifest }, binaries, folder) {
  fs.mkdirSync(folder, { recursive: true });
  writeJson(folder, manifest);
  const readme = `# ${manifest.name}\n\n${manifest.description}. That package installs it; alone it is of no use.\n`;
  fs.writeFileSync(path.join(folder, 'README.md'), readme);
  for (const file of ['LICENSE', LICENCES]) fs.copyFileSync(path.join(ROOT, file), path.join(folder, file));
  fs.copyFileSync(path.join(binaries, binary), path.join(folder, binary));
}

function writeJson(folder, manifest) {
  fs.writeFileSync(path.join(folder, 'package.json'), JSON.stringify(manifest, null, 2) + '\n');
}

/** The addon says the version of Cargo.toml, and the JavaScript refuses one that is not its own. */
function checkVersion(version) {
  const [, found] = fs.readFileSync(path.join(ROOT, 'Cargo.toml'), 'utf8').match(/^version = "(.+)"$/m);
  if (found !== version) throw new Error(`package.json has the version ${version}, and Cargo.toml ${found}.`);
}

/**
 * Stages the root package and those platform packages whose binary is in `binaries`. Resolves to the root's
 * folder and to all platform packages; one that was staged has its `folder`, the others have none.
 */
async function stage(binaries, out) {
  const root = JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
  checkVersion(root.version);
  const declared = platformPackages(root);
  const rootFolder = path.join(out, root.name);
  await stageRoot(root, declared, rootFolder);
  const platforms = declared.map((platform) => {
    if (!fs.existsSync(path.join(binaries, platform.binary))) return { ...platform, folder: undefined };
    const folder = path.join(out, platform.folder);
    stagePlatform(platform, binaries, folder);
    return { ...platform, folder };
  });
  return { root: rootFolder, platforms };
}

async function main([binaries, out]) {
  if (!binaries || !out)
    throw new Error('Usage: node scripts/stage.js <folder with the .node files> <new folder>');
  if (fs.existsSync(out)) throw new Error(`${out} exists already; a release needs a new folder.`);
  const { root, platforms } = await stage(path.resolve(binaries), path.resolve(out));
  const missing = platforms.filter(({ folder }) => !folder).map(({ binary }) => binary);
  if (missing.length > 0) throw new Error(`A release needs every binary. Missing: ${missing.join(', ')}`);
  for (const folder of [root, ...platforms.map((platform) => platform.folder)]) {
    await must(npm('pack', '--pack-destination', path.resolve(out)), { cwd: folder });
  }
  fs.copyFileSync(path.join(__dirname, 'publish.sh'), path.join(out, 'publish.sh'));
  console.log(`Staged latchkey and ${platforms.length} platform packages in ${out}`);
}

module.exports = { stage, platformPackages, LICENCES };

if (require.main === module) {
  main(process.argv.slice(2)).catch((error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
}
