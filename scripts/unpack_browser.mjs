// Unpacks the browser that the npm package @sparticuz/chromium carries, with its libraries and a font, for the tests.
//   node scripts/unpack_browser.mjs NPM_PREFIX     writes NPM_PREFIX/browser
import { execFileSync } from "node:child_process";
import { createReadStream, createWriteStream, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { createBrotliDecompress } from "node:zlib";

const [prefix] = process.argv.slice(2);
const packed = join(prefix, "node_modules", "@sparticuz", "chromium", "bin");
const [target, part] = [join(prefix, "browser"), join(prefix, "browser.part")];

rmSync(part, { recursive: true, force: true });
mkdirSync(part, { recursive: true });
await unpack("chromium.br", join(part, "chromium"));
for (const name of ["al2023", "fonts"]) {
  const tar = join(part, `${name}.tar`);
  await unpack(`${name}.tar.br`, tar);
  execFileSync("tar", ["-xf", tar, "-C", part, "--no-same-owner"]);
  rmSync(tar);
}
const fonts = `<dir>${resolve(target, "fonts")}</dir><dir>/usr/share/fonts</dir><cachedir>${resolve(target, "fonts-cache")}</cachedir>`;
writeFileSync(join(part, "fonts.conf"), `<?xml version="1.0"?><fontconfig>${fonts}</fontconfig>`);
rmSync(target, { recursive: true, force: true });
renameSync(part, target);

async function unpack(name, to) {
  await pipeline(createReadStream(join(packed, name)), createBrotliDecompress(), createWriteStream(to, { mode: 0o755 }));
}
