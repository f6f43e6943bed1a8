// What `node scripts/bootstrap.mjs setup` runs when everything is set up. It prints what a shell needs to use the same Node and pnpm:
// eval "$(node scripts/bootstrap.mjs setup)"
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
// bootstrap.mjs has put the folder of Node and the folder of pnpm first.
const folders = process.env["PATH"].split(":").slice(0, 2);
console.log(`export PATH=${quoted(folders.join(":"))}:"$PATH"`);
console.log(`export LARDER_CACHE=${quoted(process.env["LARDER_CACHE"])}`);
