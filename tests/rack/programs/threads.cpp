// SPDX-License-Identifier: Apache-2.0
// POSIX threads: creation and joining, mutexes, conditions, barriers, read-write locks, semaphores, thread-local storage,
// cancellation, signals to one thread, fork in a threaded program.
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <queue>
#include <thread>
#include <vector>

namespace {

thread_local int own = 7;

void counting() {
  std::mutex mutex;
  long plain = 0;
  std::atomic<long> atomic{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&, i] {
      own += i;
      for (int turn = 0; turn < 3000; ++turn) {
        atomic.fetch_add(1);
        const std::lock_guard guard(mutex);
        ++plain;
      }
      if (own != 7 + i) printf("thread-local storage is shared\n");
    });
  for (auto& thread : threads) thread.join();
  printf("counted %ld %ld, own %d\n", plain, atomic.load(), own);
}

void passing_on() {
  std::mutex mutex;
  std::condition_variable changed;
  std::queue<int> queue;
  long sum = 0;
  std::thread consumer([&] {
    for (int got = 0; got < 4000; ++got) {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return !queue.empty(); });
      sum += queue.front();
      queue.pop();
    }
  });
  std::vector<std::thread> producers;
  for (int p = 0; p < 4; ++p)
    producers.emplace_back([&, p] {
      for (int i = 0; i < 1000; ++i) {
        const std::lock_guard guard(mutex);
        queue.push(p * 1000 + i);
        changed.notify_one();
      }
    });
  for (auto& thread : producers) thread.join();
  consumer.join();
  printf("passed on %ld\n", sum);
}

void barriers() {
  pthread_barrier_t barrier;
  pthread_barrier_init(&barrier, nullptr, 5);
  std::atomic<int> phase_sum{0}, leaders{0}, wrong{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 5; ++i)
    threads.emplace_back([&] {
      for (int phase = 0; phase < 50; ++phase) {
        ++phase_sum;
        if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD) ++leaders;
        if (phase_sum < 5 * (phase + 1)) ++wrong;
        pthread_barrier_wait(&barrier);
      }
    });
  for (auto& thread : threads) thread.join();
  printf("barrier: %d passed, %d led, %d wrong\n", phase_sum.load(), leaders.load(), wrong.load());
}

void semaphores_and_locks() {
  sem_t semaphore;
  sem_init(&semaphore, 0, 0);
  std::thread poster([&] { for (int i = 0; i < 500; ++i) sem_post(&semaphore); });
  for (int i = 0; i < 500; ++i) sem_wait(&semaphore);
  poster.join();
  printf("semaphore: try again %s\n", sem_trywait(&semaphore) == -1 ? strerrorname_np(errno) : "got it");
  timespec soon;
  clock_gettime(CLOCK_REALTIME, &soon);
  soon.tv_nsec += 20'000'000;
  if (soon.tv_nsec >= 1'000'000'000) soon.tv_nsec -= 1'000'000'000, ++soon.tv_sec;
  printf("timed: %s\n", sem_timedwait(&semaphore, &soon) == -1 ? strerrorname_np(errno) : "got it");
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
  pthread_mutex_t mutex;
  pthread_mutex_init(&mutex, &attributes);
  pthread_mutex_lock(&mutex);
  printf("lock twice: %s\n", strerrorname_np(pthread_mutex_lock(&mutex)));
  std::thread([&] { printf("locked by another: %s\n", strerrorname_np(pthread_mutex_trylock(&mutex))); }).join();
  pthread_mutex_unlock(&mutex);
  printf("unlock twice: %s\n", strerrorname_np(pthread_mutex_unlock(&mutex)));
}

void robust() {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_t mutex;
  pthread_mutex_init(&mutex, &attributes);
  std::thread([&] { pthread_mutex_lock(&mutex); }).join();
  printf("owner ended: %s\n", strerrorname_np(pthread_mutex_lock(&mutex)));
  printf("consistent: %d\n", pthread_mutex_consistent(&mutex));
  pthread_mutex_unlock(&mutex);
}

void cancellation() {
  pthread_t thread;
  pthread_create(&thread, nullptr, [](void*) -> void* { while (true) pause(); }, nullptr);
  pthread_cancel(thread);
  void* value = nullptr;
  pthread_join(thread, &value);
  printf("cancelled: %d\n", value == PTHREAD_CANCELED);
}

pthread_t main_thread;
volatile sig_atomic_t in_main, in_other;
void on_signal(int) { (pthread_equal(pthread_self(), main_thread) ? in_main : in_other) = 1; }

void one_thread_signals() {
  main_thread = pthread_self();
  struct sigaction action{};
  action.sa_handler = on_signal;
  sigaction(SIGUSR1, &action, nullptr);
  std::atomic<bool> ready{false};
  std::thread other([&] {
    ready = true;
    while (!in_other) sched_yield();
  });
  while (!ready) sched_yield();
  pthread_kill(other.native_handle(), SIGUSR1);
  other.join();
  printf("signal to a thread: main %d other %d\n", in_main, in_other);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  int got = 0;
  std::thread waiter([&] { sigwait(&set, &got); });
  kill(getpid(), SIGUSR2);
  waiter.join();
  printf("sigwait: %d\n", got == SIGUSR2);
}

void fork_in_threads() {
  std::atomic<bool> stop{false};
  std::thread busy([&] { while (!stop) sched_yield(); });
  int ended = 0;
  for (int i = 0; i < 10; ++i) {
    const pid_t pid = fork();
    if (pid == 0) _exit(i);
    int status;
    waitpid(pid, &status, 0);
    ended += WEXITSTATUS(status);
  }
  stop = true;
  busy.join();
  printf("children of a threaded program: %d\n", ended);
}

void many() {
  int made = 0;
  for (int round = 0; round < 20; ++round) {
    std::vector<std::thread> threads;
    for (int i = 0; i < 20; ++i) threads.emplace_back([] {});
    for (auto& thread : threads) thread.join(), ++made;
  }
  printf("made %d threads\n", made);
}

}  // namespace

int main() {
  setvbuf(stdout, nullptr, _IONBF, 0);
  counting();
  passing_on();
  barriers();
  semaphores_and_locks();
  robust();
  cancellation();
  one_thread_signals();
  fork_in_threads();
  many();
  std::thread([] { _exit(42); }).join();
  return 1;
}
