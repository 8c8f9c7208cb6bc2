// SPDX-License-Identifier: Apache-2.0
// A shell on a terminal, as a person at a keyboard has it.
#include <gtest/gtest.h>

#include "tests/rack/run/rack_run.h"

namespace {

using harness::Ended;
using harness::RackRun;

TEST(Terminal, AShellWithJobControl) {
  RackRun rack({"--env", "PS1=prompt> "}, {"busybox", "sh", "-i"}, RackRun::Streams::Terminal);
  ASSERT_TRUE(rack.wait_for("prompt> "));
  rack.type("test -t 0 && test -t 1 && test -t 2 && echo terminals $((40 + 2))\n");
  ASSERT_TRUE(rack.wait_for("terminals 42")) << rack.output();
  rack.type("stty size; tty\n");
  ASSERT_TRUE(rack.wait_for("30 100\r\n")) << rack.output();
  ASSERT_TRUE(rack.wait_for("/dev/")) << rack.output();
  // ^C ends what runs, not the shell.
  rack.type("sleep 1000\n");
  ASSERT_TRUE(rack.wait_for("sleep 1000\r\n"));
  rack.wait_for("no such text", 1);
  rack.type("\003");
  ASSERT_TRUE(rack.wait_for("prompt> ", 20)) << rack.output();
  rack.type("echo status $?\n");
  ASSERT_TRUE(rack.wait_for("status 130")) << rack.output();
  // ^Z stops it; bg and fg go on with it.
  rack.type("sleep 3 && echo slept well\n");
  rack.wait_for("no such text", 1);
  rack.type("\032");
  ASSERT_TRUE(rack.wait_for("Stopped", 20)) << rack.output();
  rack.type("jobs\n");
  ASSERT_TRUE(rack.wait_for("Stopped", 20)) << rack.output();
  rack.type("fg\n");
  ASSERT_TRUE(rack.wait_for("prompt> ", 30)) << rack.output();
  rack.type("sleep 2 & wait; echo back\n");
  ASSERT_TRUE(rack.wait_for("back\r\n", 30)) << rack.output();
  // Editing the line, and its end.
  rack.type("echo wrx\177ong\n");
  ASSERT_TRUE(rack.wait_for("wrong\r\n", 20)) << rack.output();
  rack.type("cat\n");
  ASSERT_TRUE(rack.wait_for("cat\r\n", 20)) << rack.output();
  rack.wait_for("no such text", 1);  // the shell has given the terminal to it
  rack.type("line\n");
  ASSERT_TRUE(rack.wait_for("line\r\nline\r\n", 20)) << rack.output();
  rack.type("\004");
  ASSERT_TRUE(rack.wait_for("prompt> ", 20)) << rack.output();
  rack.type("exit 7\n");
  EXPECT_EQ(rack.wait(60).status, 7);
}

}  // namespace
