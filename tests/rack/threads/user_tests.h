// SPDX-License-Identifier: Apache-2.0
// The tests of user mode, in the order in which the image runs them.
#pragma once

namespace image_test {

void test_user_registers();
void test_user_vectors();
void test_user_exceptions();
void test_user_bad_return();
void test_user_fork();
void test_user_signal_state();
void test_user_demand();
void test_user_kill();
void test_user_shares();
void test_user_under_nmis();
void test_user_times();
void test_user_copies();
void test_shootdown();
void test_lazy_shootdown();
void test_nothing_left();

}  // namespace image_test
