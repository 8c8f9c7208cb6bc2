# SPDX-License-Identifier: Apache-2.0
# make -j2 with gcc and g++: a C and a C++ program, a static and a shared library; threads and exceptions.
cat >a.c <<'TEXT'
#include <pthread.h>
#include <stdio.h>
#include <string.h>
int from_static(int), from_shared(int);
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long sum;
static void* add(void* p) {
  for (int i = 0; i < 10000; i++) {
    pthread_mutex_lock(&lock);
    sum += (long)p;
    pthread_mutex_unlock(&lock);
  }
  return (void*)((long)p * 2);
}
int main(void) {
  pthread_t threads[4];
  long returned = 0;
  for (long i = 0; i < 4; i++) pthread_create(&threads[i], NULL, add, (void*)i);
  for (int i = 0; i < 4; i++) {
    void* one;
    pthread_join(threads[i], &one);
    returned += (long)one;
  }
  printf("c %ld %ld %d %d\n", sum, returned, from_static(20), from_shared(20));
  return 0;
}
TEXT
cat >b.cpp <<'TEXT'
#include <algorithm>
#include <future>
#include <iostream>
#include <map>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>
struct Noisy {
  ~Noisy() { std::cout << "unwound" << std::endl; }
};
static int deep(int n) {
  Noisy noisy;
  if (n == 0) throw std::runtime_error("boom");
  return deep(n - 1);
}
int main() {
  std::map<int, std::string> map{{1, "x"}};
  int caught = 0;
  std::thread thread([&] {
    try {
      deep(2);
    } catch (const std::exception& error) {
      std::cout << error.what() << std::endl;
      ++caught;
    }
  });
  thread.join();
  auto future = std::async(std::launch::async, []() -> int { throw std::logic_error("from a future"); });
  try {
    future.get();
  } catch (const std::logic_error& error) {
    std::cout << error.what() << std::endl;
  }
  try {
    map.at(7);
  } catch (const std::out_of_range&) {
    ++caught;
  }
  std::vector<int> numbers(100000);
  for (int i = 0; i < 100000; ++i) numbers[static_cast<std::size_t>(i)] = i * 7919 % 100003;
  std::sort(numbers.begin(), numbers.end());
  thread_local std::unique_ptr<int> local = std::make_unique<int>(3);
  std::cout << caught << map[1] << numbers[1] << *local << std::endl;
}
TEXT
echo 'int from_static(int x) { return x + 1; }' >s.c
echo 'int from_shared(int x) { return x + 2; }' >d.c
cat >Makefile <<'TEXT'
all: a b a_static
libs.a: s.o
	$(AR) rcs $@ $^
libd.so: d.c
	gcc -shared -fPIC -o $@ $<
a: a.c libs.a libd.so
	gcc -O2 -Wall -o $@ a.c libs.a -L. -ld -Wl,-rpath,'$$ORIGIN' -pthread
a_static: a.c s.c d.c
	gcc -O1 -static -o $@ $^ -pthread
b: b.cpp
	g++ -O1 -Wall -o $@ $< -pthread
TEXT
make -j2 -s 2>&1; echo "make: $?"
./a; ./a_static; ./b; echo "status: $?"
make -q; echo "up to date: $?"
echo 'int main(void) { return x; }' >bad.c; gcc -c bad.c 2>&1; echo "gcc: $?"
echo 'int main(void) { int* p = 0; return *p; }' >crash.c; gcc -o crash crash.c && { ./crash; } 2>/dev/null; echo "crash: $?"
nm a | grep -c ' T '; objdump -d a | grep call | wc -l; readelf -d a | grep -E 'RUNPATH|NEEDED'; ldd a | grep -c '=>'; strip b && ./b | tail -n 1; size libs.a | tail -n 1
