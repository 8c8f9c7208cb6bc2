# SPDX-License-Identifier: Apache-2.0
# python3: threads, subprocesses, multiprocessing, asyncio, sqlite3 and numpy.
export PYTHONDONTWRITEBYTECODE=1
cat >many.py <<'TEXT'
import json, threading, subprocess, sqlite3, os, signal, tempfile, shutil, hashlib, zlib, re, collections, queue, mmap, select, socket, concurrent.futures
print(json.dumps({"a": [1, 2, None], "b": {"c": 1.5}}, sort_keys=True))
results = queue.Queue()
threads = [threading.Thread(target=lambda n=n: results.put(sum(range(n)))) for n in range(8)]
for t in threads: t.start()
for t in threads: t.join()
print(sorted(results.get() for _ in threads))
with concurrent.futures.ThreadPoolExecutor(4) as pool: print(list(pool.map(lambda x: x ** 2, range(10))))
print(subprocess.check_output(["echo", "x"]), subprocess.run("exit 3", shell=True).returncode)
child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
print(child.communicate(b"y" * 200000)[0] == b"y" * 200000)
try: subprocess.run(["sleep", "100"], timeout=0.2)
except subprocess.TimeoutExpired: print("expired")
try: subprocess.run(["/nonexistent"])
except FileNotFoundError as error: print(error)
db = sqlite3.connect(":memory:")
db.execute("create table t(a)"); db.executemany("insert into t values(?)", ((i,) for i in range(10000)))
print(db.execute("select count(*), sum(a) from t").fetchall())
pid = os.fork()
if pid == 0: os._exit(9)
print(os.WEXITSTATUS(os.waitpid(pid, 0)[1]))
signal.signal(signal.SIGALRM, lambda *a: print("alarm")); signal.setitimer(signal.ITIMER_REAL, 0.05); signal.pause()
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "f"); open(path, "wb").write(b"m" * 10000)
    with open(path, "r+b") as f, mmap.mmap(f.fileno(), 0) as m: m[5000:5003] = b"abc"; m.flush()
    print(hashlib.md5(open(path, "rb").read()).hexdigest()); shutil.copytree(folder, folder + "2"); shutil.rmtree(folder + "2")
a, b = socket.socketpair(); a.sendall(b"pair"); print(select.select([b], [], [], 5)[0] == [b], b.recv(10))
print(zlib.crc32(zlib.decompress(zlib.compress(b"z" * 100000))), re.sub(r"(\w+) (\w+)", r"\2 \1", "one two"), collections.Counter("hello").most_common(1))
try: [].pop()
except IndexError as error: print(error)
TEXT
python3 many.py; echo "status: $?"
cat >processes.py <<'TEXT'
import multiprocessing as m
def square(x): return x * x
def put(queue, n): queue.put(n)
def add(value, lock):
    for _ in range(200):
        with lock: value.value += 1
if __name__ == "__main__":
    with m.Pool(2) as pool: print(pool.map(square, range(10)))
    queue, value, lock = m.Queue(), m.Value("i", 0, lock=False), m.Lock()
    children = [m.Process(target=put, args=(queue, n)) for n in range(3)] + [m.Process(target=add, args=(value, lock)) for _ in range(3)]
    for c in children: c.start()
    print(sorted(queue.get() for _ in range(3)))
    for c in children: c.join()
    print(value.value, [c.exitcode for c in children])
    one, other = m.Pipe(); one.send({"k": [1]}); print(other.recv())
    from multiprocessing import shared_memory
    memory = shared_memory.SharedMemory(create=True, size=10000); memory.buf[9999] = 7; again = shared_memory.SharedMemory(memory.name); print(again.buf[9999]); again.close(); memory.close(); memory.unlink()
    spawned = m.get_context("spawn").Process(target=square, args=(1,)); spawned.start(); spawned.join(); print(spawned.exitcode)
TEXT
python3 processes.py; echo "status: $?"
cat >asynchronous.py <<'TEXT'
import asyncio
async def nap(n):
    await asyncio.sleep(0.01 * n)
    return n
async def main():
    print(await asyncio.gather(nap(3), nap(1), nap(2)))
    child = await asyncio.create_subprocess_exec("cat", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
    print(await child.communicate(b"sub"), child.returncode)
    try: await asyncio.wait_for(nap(10000), 0.05)
    except asyncio.TimeoutError: print("timeout")
    print(await asyncio.to_thread(lambda: "thread"))
    async def serve(reader, writer):
        writer.write((await reader.readline()).upper()); await writer.drain(); writer.close()
    server = await asyncio.start_unix_server(serve, "socket")
    reader, writer = await asyncio.open_unix_connection("socket"); writer.write(b"line\n"); print(await reader.read()); writer.close(); server.close()
    lock, order = asyncio.Lock(), []
    async def locked(n):
        async with lock: order.append(n); await asyncio.sleep(0)
    await asyncio.gather(*(locked(n) for n in range(5))); print(order)
asyncio.run(main())
TEXT
python3 asynchronous.py; echo "status: $?"
python3 - <<'TEXT'
try: import numpy as np
except ImportError: raise SystemExit
a = np.arange(40000, dtype=np.int64).reshape(200, 200); print((a @ a).sum(), (a @ a.T).trace())
f = np.arange(90000.).reshape(300, 300) / 1000; print(f"{(f @ f).sum():.6e} {np.linalg.norm(f):.6e}")
m = np.array([[4., 1.], [2., 3.]]); print(np.round(np.linalg.inv(m), 6).tolist(), np.round(sorted(np.linalg.eigvals(m)), 6).tolist(), round(np.linalg.det(m), 6))
print(np.fft.fft(np.ones(8)).real.tolist(), np.sort(np.random.RandomState(1).randint(0, 1000, 5)).tolist())
TEXT
