// SPDX-License-Identifier: Apache-2.0
// The tests of kernel threads, in the order in which the image runs them.
#pragma once

namespace image_test {

void test_ping_pong();
void test_deadlines();
void test_wake_and_deadline_race();
void test_interruption();
void test_mutex();
void test_classes();
void test_affinity();
void test_stealing();
void test_idle_pollers();
void test_quiet_idle();
void test_create_and_exit();
void test_no_memory();

}  // namespace image_test
