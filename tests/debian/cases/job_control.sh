# SPDX-License-Identifier: Apache-2.0
# An interactive bash on a pseudo-terminal, with someone at it who types ^C and ^Z and waits for what must come.
cat >typist.py <<'TEXT'
import os, pty, re, select, sys, termios, fcntl, struct, signal
pid, master = pty.fork()
if pid == 0:
    os.environ.update(PS1="ready> ", TERM="dumb", HISTFILE="")
    os.execvp("bash", ["bash", "--norc", "--noprofile", "--noediting", "-i"])
seen = ""
def expect(pattern):
    global seen
    while True:
        found = re.search(pattern, seen)
        if found:
            print("saw", repr(found.group()), flush=True)
            seen = seen[found.end():]
            return
        if not select.select([master], [], [], 60)[0]:
            print("did not see", pattern, "in", repr(seen)); os.kill(pid, signal.SIGKILL); sys.exit(1)
        seen += os.read(master, 65536).decode()
def type(text): os.write(master, text.encode())
def command(text, *patterns):
    type(text + "\n"); expect(re.escape(text) + "\r\n")
    for pattern in patterns: expect(pattern)
    expect("ready> ")
fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))
expect("ready> ")
command("stty size; tty | tr -d 0-9", "33 77\r\n/dev/pts/\r\n")
command("echo $- | tr -d BHhs", "im")
type("cat\n"); expect("cat\r\n"); type("line\n"); expect("line\r\nline\r\n")
type("\x1a"); expect(r"\[1\]\+  Stopped +cat\r\n"); expect("ready> ")
command("jobs", r"\[1\]\+  Stopped +cat\r\n")
type("fg\n"); expect("fg\r\ncat\r\n"); type("again\n"); expect("again\r\nagain\r\n"); type("\x04"); expect("ready> ")
def run(line, *patterns):  # a job that says when it runs: before that what is typed would be the shell's
    type(line + "\n"); expect(re.escape(line) + "\r\n")
    for pattern in patterns: expect(pattern)
run("sh -c 'echo runs; exec sleep 1000'", "runs\r\n"); type("\x03"); expect(r"\^C"); expect("ready> ")
command("echo status $?", "status 130\r\n")
run("sh -c 'echo runs; exec sleep 1001' | cat", "runs\r\n"); type("\x1a"); expect(r"\[1\]\+  Stopped"); expect("ready> ")
command("bg", r"\[1\]\+ sh -c 'echo runs; exec sleep 1001' \| cat &")
command("jobs", r"\[1\]\+  Running +sh -c 'echo runs; exec sleep 1001' \| cat &")
command("kill %1; wait $!; echo status $?", "status 143\r\n")
run("cat", ""); type("text\n"); expect("text\r\ntext\r\n"); type("\x1c"); expect(r"\^\\Quit"); expect("ready> ")
command("echo status $?", "status 131\r\n")
command("cat &", r"\[1\] ")
command("sleep 0.3; jobs", r"\[1\]\+  Stopped +cat\r\n")
command("kill -KILL %1; echo $?", "0\r\n")
command("ps -o stat= -p $$ | cut -c1-2", "Ss")
command("trap 'echo resized' WINCH")
fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 20, 60, 0, 0))
command("stty size", "20 60")
run("read -s -r -p hidden? line; echo got:$line", r"hidden\?"); type("text\n"); expect("got:text\r\n"); expect("ready> ")
command("sleep 1004 & disown; kill $!; echo $?", "0\r\n")
type("exit 5\n"); expect("exit\r\n")
print("status", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
TEXT
python3 typist.py
