# SPDX-License-Identifier: Apache-2.0
# node: timers, files, child processes, worker threads, promises, sockets.
command -v node >/dev/null || exit 0
node -e 'console.log([1, 2, 3].map(x => x * 2)); setTimeout(() => console.log("later"), 10); require("fs").writeFileSync("n", "x"); console.log(require("child_process").execSync("echo sub").toString())'
cat >a.js <<'TEXT'
const { Worker, isMainThread, parentPort } = require("worker_threads"), fs = require("fs"), zlib = require("zlib"), crypto = require("crypto"), net = require("net");
if (!isMainThread) { let s = 0; for (let i = 0; i < 1e6; i++) s += i; parentPort.postMessage(s); }
else (async () => {
  console.log(await new Promise(done => new Worker(__filename).on("message", done)));
  console.log(await fs.promises.readFile("/etc/debian_version", "utf8"), crypto.createHash("sha256").update("x").digest("hex"));
  console.log(zlib.gunzipSync(zlib.gzipSync(Buffer.alloc(100000, "z"))).length);
  const server = net.createServer(s => s.pipe(s)).listen("echo.sock");
  await new Promise(done => { const c = net.connect("echo.sock", () => c.write("echoed")); c.on("data", d => { console.log(d.toString()); c.end(); server.close(done); }); });
  const child = require("child_process").spawn("cat"); child.stdin.end("piped"); for await (const d of child.stdout) console.log(d.toString());
  console.log(await Promise.all([1, 2, 3].map(async n => { await new Promise(r => setTimeout(r, 5 * (4 - n))); return n; })));
  try { null.x } catch (e) { console.log(e.constructor.name); }
  let list = []; for (let i = 0; i < 200000; i++) list.push({ i }); list = list.filter(o => o.i % 2); console.log(list.length, eval("2n ** 100n"));
})();
TEXT
node a.js; echo "status: $?"
