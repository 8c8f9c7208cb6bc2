// SPDX-License-Identifier: Apache-2.0
// The parts of the program: each prints what a family of calls answers. They run one after another, each in a child.
#pragma once

void file_signals();
void leases();
void pidfds();
void policies();
void posix_queues();
void limits();
void futexes_and_barriers();
void directory_notices();
void peaks();
void first_process();
void proc_entries();
void personas();
// In another process that executed this program with the argument "persona".
void executed_with_persona();
