// SPDX-License-Identifier: Apache-2.0
// System V semaphores and message queues: who waits for what, in which order they go on, what is undone, who may.
#include <gtest/gtest.h>
#include <linux/ipc.h>
#include <linux/sem.h>

#include "linux-abi/files/fake_caller.h"
#include "linux-abi/ipc/message_queues.h"
#include "linux-abi/ipc/semaphores.h"

namespace {

using linux_abi::FakeCaller;
using linux_abi::WaitEnd;
using namespace linux_abi::ipc;  // NOLINT: the whole test is about it

constexpr std::uint64_t never = base::never_ns;

int value(Semaphores& all, int id, int index, const FakeCaller& caller) {
  const auto semaphore = all.semaphore(id, index, caller.credentials());
  return semaphore ? semaphore->value : -1;
}

TEST(Semaphores, AreMadeOnceForAKey) {
  FakeCaller caller;
  Semaphores all;
  EXPECT_EQ(all.get(7, 1, 0, caller).error(), ENOENT);
  const int id = *all.get(7, 3, IPC_CREAT | 0600, caller);
  EXPECT_EQ(*all.get(7, 3, 0, caller), id);
  EXPECT_EQ(all.get(7, 4, 0, caller).error(), EINVAL);
  EXPECT_EQ(all.get(7, 3, IPC_CREAT | IPC_EXCL, caller).error(), EEXIST);
  EXPECT_NE(*all.get(IPC_PRIVATE, 1, 0600, caller), *all.get(IPC_PRIVATE, 1, 0600, caller));
  ASSERT_TRUE(all.remove(id, caller.credentials()));
  EXPECT_FALSE(all.status(id, caller.credentials()));
  EXPECT_NE(*all.get(7, 3, IPC_CREAT | 0600, caller), id);
}

TEST(Semaphores, DoAllOperationsOrNone) {
  FakeCaller caller;
  Semaphores all;
  const int id = *all.get(IPC_PRIVATE, 2, 0600, caller);
  const SemaphoreOperation both[] = {{0, 2, 0}, {1, -1, IPC_NOWAIT}};
  EXPECT_EQ(all.operate(id, both, never, {1, 10}, caller).error(), EAGAIN);
  EXPECT_EQ(value(all, id, 0, caller), 0);
  const SemaphoreOperation far[] = {{2, 1, 0}};
  EXPECT_EQ(all.operate(id, far, never, {1, 10}, caller).error(), EFBIG);
  const SemaphoreOperation most[] = {{0, 32767, 0}, {0, 1, 0}};
  EXPECT_EQ(all.operate(id, most, never, {1, 10}, caller).error(), ERANGE);
  EXPECT_EQ(value(all, id, 0, caller), 0);
}

TEST(Semaphores, WaitersGoOnWhenTheyCan) {
  FakeCaller caller, other;
  Semaphores all;
  const int id = *all.get(IPC_PRIVATE, 1, 0600, caller);
  const SemaphoreOperation down[] = {{0, -2, 0}}, up[] = {{0, 1, 0}};
  std::uint64_t waiting = 0;
  caller.meanwhile = {[&] {
                        waiting = *all.waiters(id, 0, false, other.credentials());
                        EXPECT_TRUE(all.operate(id, up, never, {2, 20}, other));
                      },
                      [&] {
                        EXPECT_TRUE(all.operate(id, up, never, {2, 20}, other));
                      }};
  EXPECT_TRUE(all.operate(id, down, never, {1, 10}, caller));
  EXPECT_EQ(waiting, 1u);
  EXPECT_EQ(value(all, id, 0, caller), 0);
  EXPECT_EQ(all.semaphore(id, 0, caller.credentials())->pid, 10);  // it was done for the one that waited
  EXPECT_EQ(*all.waiters(id, 0, false, other.credentials()), 0u);
}

TEST(Semaphores, WaitsEndBySignalsTimesAndRemoval) {
  FakeCaller caller;
  Semaphores all;
  const int id = *all.get(IPC_PRIVATE, 1, 0600, caller);
  const SemaphoreOperation down[] = {{0, -1, 0}};
  EXPECT_EQ(all.operate(id, down, never, {1, 10}, caller).error(), EINTR);
  caller.end = WaitEnd::TimedOut;
  EXPECT_EQ(all.operate(id, down, 5, {1, 10}, caller).error(), EAGAIN);
  EXPECT_EQ(*all.waiters(id, 0, false, caller.credentials()), 0u);
  caller.meanwhile = {[&] { EXPECT_TRUE(all.remove(id, caller.credentials())); }};
  EXPECT_EQ(all.operate(id, down, never, {1, 10}, caller).error(), EIDRM);
}

TEST(Semaphores, UndoAtTheEndOfAProcess) {
  FakeCaller caller;
  Semaphores all;
  const int id = *all.get(IPC_PRIVATE, 2, 0600, caller);
  ASSERT_TRUE(all.set_value(id, 0, 5, 10, caller));
  const SemaphoreOperation undone[] = {{0, -3, SEM_UNDO}, {1, 4, SEM_UNDO}};
  ASSERT_TRUE(all.operate(id, undone, never, {1, 10}, caller));
  EXPECT_EQ(value(all, id, 0, caller), 2);
  all.process_ended({2, 20});
  EXPECT_EQ(value(all, id, 0, caller), 2);
  ASSERT_TRUE(all.set_value(id, 1, 9, 10, caller));  // forgets what was to be undone
  all.process_ended({1, 10});
  EXPECT_EQ(value(all, id, 0, caller), 5);
  EXPECT_EQ(value(all, id, 1, caller), 9);
}

base::Own<Message> message(std::int64_t type, std::size_t bytes) {
  auto made = base::make<Message>();
  made->type = type;
  EXPECT_TRUE(made->text.resize(bytes));
  return made;
}

std::int64_t received(MessageQueues& all, int id, MessageWish wish, FakeCaller& caller) {
  wish.room = max_message_bytes;
  wish.wait = false;
  const auto taken = all.receive(id, wish, 10, caller);
  return taken ? (*taken)->type : -1;
}

TEST(MessageQueues, GiveMessagesByType) {
  FakeCaller caller;
  MessageQueues all;
  const int id = *all.get(IPC_PRIVATE, 0600, caller);
  for (const std::int64_t type : {5, 3, 4, 3, 9}) ASSERT_TRUE(all.send(id, message(type, 8), false, 10, caller));
  EXPECT_EQ(received(all, id, {.type = 1, .copy = true}, caller), 3);  // by position, and it stays
  EXPECT_EQ(received(all, id, {.type = 4}, caller), 4);
  EXPECT_EQ(received(all, id, {.type = -4}, caller), 3);
  EXPECT_EQ(received(all, id, {.type = 5, .other_types = true}, caller), 3);
  EXPECT_EQ(received(all, id, {.type = 0}, caller), 5);
  EXPECT_EQ(received(all, id, {.type = 7}, caller), -1);
  EXPECT_EQ(all.status(id, caller.credentials())->messages, 1u);
}

TEST(MessageQueues, AreFullAndTooShort) {
  FakeCaller caller;
  MessageQueues all;
  const int id = *all.get(IPC_PRIVATE, 0600, caller);
  ASSERT_TRUE(all.send(id, message(1, 8192), false, 10, caller));
  ASSERT_TRUE(all.send(id, message(1, 8192), false, 10, caller));
  EXPECT_EQ(all.send(id, message(1, 1), false, 10, caller).error(), EAGAIN);
  EXPECT_EQ(all.receive(id, {.room = 10}, 10, caller).error(), E2BIG);
  EXPECT_TRUE(all.receive(id, {.room = 10, .truncate = true}, 10, caller));
  // A full queue's sender goes on when somebody receives.
  ASSERT_TRUE(all.send(id, message(2, 8192), false, 10, caller));
  FakeCaller other;
  caller.meanwhile = {[&] { EXPECT_EQ(received(all, id, {}, other), 1); }};
  EXPECT_TRUE(all.send(id, message(3, 100), true, 10, caller));
  EXPECT_EQ(all.status(id, caller.credentials())->bytes, 8292u);
}

TEST(MessageQueues, TellWhoWaitsThatTheyAreGone) {
  FakeCaller caller;
  MessageQueues all;
  const int id = *all.get(IPC_PRIVATE, 0600, caller);
  EXPECT_EQ(all.receive(id, {.room = 10}, 10, caller).error(), EINTR);
  caller.meanwhile = {[&] { EXPECT_TRUE(all.remove(id, caller.credentials())); }};
  EXPECT_EQ(all.receive(id, {.room = 10}, 10, caller).error(), EIDRM);
}

TEST(Permissions, AreThoseOfTheClass) {
  linux_abi::Credentials owner, other;
  owner.become(100, 100);
  other.become(200, 200);
  const Permissions object = Permissions::of_creator(1, 0604, owner);
  EXPECT_TRUE(object.check(owner, wants_write));
  EXPECT_TRUE(object.check(other, wants_read));
  EXPECT_EQ(object.check(other, wants_write).error(), EACCES);
  EXPECT_TRUE(object.check({}, wants_write));  // root
  EXPECT_EQ(object.check_control(other).error(), EPERM);
}

}  // namespace
