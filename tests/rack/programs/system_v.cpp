// SPDX-License-Identifier: Apache-2.0
// System V semaphores, message queues and shared memory: between processes, with what is undone, removed or refused.
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <initializer_list>

#include "show.h"

namespace {

union Argument {
  int value;
  semid_ds* status;
  unsigned short* all;
};

int operate(int id, int index, int change, int flags) {
  sembuf operation{static_cast<unsigned short>(index), static_cast<short>(change), static_cast<short>(flags)};
  return semop(id, &operation, 1);
}

template <typename Body>
void in_child(Body body) {
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    body();
    fflush(stdout);
    _exit(0);
  }
  int status;
  waitpid(child, &status, 0);
  if (status != 0) printf("child: %x\n", status);
}

void semaphores() {
  const int id = semget(IPC_PRIVATE, 3, 0640);
  printf("%s\n", id >= 0 ? "made" : "not made");
  SHOW(semctl(id, 0, SETVAL, Argument{4}));
  SHOW(semctl(id, 3, SETVAL, Argument{4}));
  SHOW(semctl(id, 0, SETVAL, Argument{32768}));
  SHOW(operate(id, 0, -3, 0));
  SHOW(operate(id, 0, -3, IPC_NOWAIT));
  SHOW(operate(id, 3, 1, 0));
  SHOW(operate(id, 0, 32767, 0));
  SHOW(operate(id, 0, 0, IPC_NOWAIT));
  SHOW(semctl(id, 0, GETVAL));
  unsigned short values[] = {1, 2, 3};
  SHOW(semctl(id, 0, SETALL, Argument{.all = values}));
  in_child([&] {
    SHOW(operate(id, 1, 5, SEM_UNDO));
    SHOW(operate(id, 2, -2, SEM_UNDO));
    SHOW(semctl(id, 1, GETVAL));
  });
  SHOW(semctl(id, 0, GETALL, Argument{.all = values}));
  printf("%d %d %d\n", values[0], values[1], values[2]);
  SHOW(semctl(id, 1, GETPID) == getpid());
  const timespec soon{0, 10'000'000}, odd{0, 2'000'000'000};
  sembuf down{0, -9, 0};
  SHOW(semtimedop(id, &down, 1, &soon));
  SHOW(semtimedop(id, &down, 1, &odd));
  SHOW(semop(id, &down, 0));
  SHOW(semop(id, &down, 501));
  SHOW(semop(id, nullptr, 1));
  const pid_t child = fork();
  if (child == 0) _exit(operate(id, 0, -5, 0) == 0 ? 0 : 1);
  while (semctl(id, 0, GETNCNT) == 0) sched_yield();
  SHOW(semctl(id, 0, GETZCNT));
  SHOW(operate(id, 0, 3, 0));
  SHOW(semctl(id, 0, GETNCNT));
  SHOW(operate(id, 0, 2, 0));
  int status;
  SHOW(waitpid(child, &status, 0) == child && status == 0);
  SHOW(semctl(id, 0, GETVAL));
  const pid_t removed = fork();
  if (removed == 0) _exit(operate(id, 0, -50, 0) == -1 ? errno : 0);
  while (semctl(id, 0, GETNCNT) == 0) sched_yield();
  semid_ds about;
  SHOW(semctl(id, 0, IPC_STAT, Argument{.status = &about}));
  printf("%o %ld %d %d\n", about.sem_perm.mode, static_cast<long>(about.sem_nsems), about.sem_otime != 0,
         about.sem_ctime != 0);
  SHOW(semctl(id, 0, IPC_RMID));
  waitpid(removed, &status, 0);
  printf("%s\n", strerrorname_np(WEXITSTATUS(status)));
  SHOW(semctl(id, 0, GETVAL) == -1 && (errno == EINVAL || errno == EIDRM));
  SHOW(semget(IPC_PRIVATE, 0, 0600));
  SHOW(semget(IPC_PRIVATE, -1, 0600));
  SHOW(semctl(-1, 0, IPC_RMID));
}

struct Message {
  long type;
  char text[64];
};

void messages() {
  const int id = msgget(IPC_PRIVATE, 0600);
  Message message{};
  for (const long type : {5, 3, 4, 3, 9}) {
    message.type = type;
    snprintf(message.text, sizeof message.text, "number %ld", type);
    SHOW(msgsnd(id, &message, strlen(message.text) + 1, 0));
  }
  message.type = 0;
  SHOW(msgsnd(id, &message, 1, 0));
  message.type = 1;
  SHOW(msgsnd(id, &message, 9000, 0));
  SHOW(msgrcv(id, &message, 64, -4, 0));
  puts(message.text);
  SHOW(msgrcv(id, &message, 64, 3, MSG_EXCEPT));
  puts(message.text);
  SHOW(msgrcv(id, &message, 2, 0, 0));
  SHOW(msgrcv(id, &message, 2, 0, MSG_NOERROR));
  printf("%ld %c\n", message.type, message.text[1]);
  SHOW(msgrcv(id, &message, 64, 77, IPC_NOWAIT));
  SHOW(msgrcv(id, &message, -1, 0, IPC_NOWAIT));
  msqid_ds about;
  SHOW(msgctl(id, IPC_STAT, &about));
  printf("%ld messages of %ld bytes, %d\n", static_cast<long>(about.msg_qnum), static_cast<long>(about.msg_cbytes),
         about.msg_lspid == getpid());
  about.msg_qbytes = 20;
  SHOW(msgctl(id, IPC_SET, &about));
  SHOW(msgsnd(id, &message, 10, IPC_NOWAIT));
  in_child([&] { SHOW(msgrcv(id, &message, 64, 9, 0)); });
  SHOW(msgsnd(id, &message, 10, IPC_NOWAIT));
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) _exit(msgrcv(id, &message, 64, 100, 0) == -1 ? errno : 0);
  // It may not wait yet: then it finds the queue gone.
  SHOW(msgctl(id, IPC_RMID, nullptr));
  int status;
  waitpid(child, &status, 0);
  printf("%d\n", WEXITSTATUS(status) == EIDRM || WEXITSTATUS(status) == EINVAL);
  SHOW(msgctl(id, IPC_STAT, &about) == -1 && (errno == EINVAL || errno == EIDRM));
}

long attached(int id) {
  shmid_ds about;
  return shmctl(id, IPC_STAT, &about) == 0 ? static_cast<long>(about.shm_nattch) : -1;
}

void shared_memory() {
  const int id = shmget(IPC_PRIVATE, 10000, 0600);
  auto* memory = static_cast<volatile int*>(shmat(id, nullptr, 0));
  memory[0] = 1;
  auto* again = static_cast<volatile int*>(shmat(id, nullptr, SHM_RDONLY));
  printf("%d\n", again[0]);
  SHOW(mprotect(const_cast<int*>(again), 4096, PROT_READ | PROT_WRITE));
  SHOW(attached(id));
  in_child([&] {
    memory[0] += 6;
    memory[2048] = 8;
    SHOW(attached(id));
    SHOW(shmdt(const_cast<int*>(again)));
    SHOW(shmdt(const_cast<int*>(again)));
    SHOW(attached(id));
  });
  SHOW(attached(id));
  printf("%d %d\n", again[0], again[2048]);
  SHOW(shmdt(const_cast<int*>(again)));
  SHOW(shmdt(const_cast<int*>(memory + 1024)));
  SHOW(reinterpret_cast<long>(shmat(id, const_cast<int*>(memory), 0)));
  SHOW(reinterpret_cast<long>(shmat(id, const_cast<int*>(memory + 1), 0)));
  void* over = shmat(id, const_cast<int*>(memory + 1), SHM_RND | SHM_REMAP);
  printf("%d %d\n", over == memory, memory[0]);
  SHOW(reinterpret_cast<long>(shmat(id, nullptr, SHM_REMAP)));
  shmid_ds about;
  SHOW(shmctl(id, IPC_STAT, &about));
  printf("%o %ld %d %d\n", about.shm_perm.mode, static_cast<long>(about.shm_segsz), about.shm_cpid == getpid(),
         about.shm_atime != 0);
  SHOW(shmctl(id, IPC_RMID, nullptr));
  SHOW(shmctl(id, IPC_STAT, &about));
  printf("%o\n", about.shm_perm.mode);
  printf("%d\n", memory[0]);
  auto* late = static_cast<volatile int*>(shmat(id, nullptr, 0));  // removed, but there while it is attached
  printf("%d\n", late != reinterpret_cast<int*>(-1) && late[2048] == 8);
  SHOW(shmdt(const_cast<int*>(late)));
  SHOW(munmap(const_cast<int*>(memory), 4096));
  SHOW(attached(id));
  SHOW(shmdt(const_cast<int*>(memory)));
  SHOW(shmctl(id, IPC_STAT, &about) == -1 && (errno == EINVAL || errno == EIDRM));
  SHOW(shmget(IPC_PRIVATE, 0, 0600));
  SHOW(reinterpret_cast<long>(shmat(-1, nullptr, 0)));
  // Ends with the process.
  const int last = shmget(IPC_PRIVATE, 4096, 0600);
  SHOW(shmat(last, nullptr, 0) == reinterpret_cast<void*>(-1));
  SHOW(shmctl(last, IPC_RMID, nullptr));
}

void keys_and_permissions() {
  const key_t key = 0x4c450000 | getpid();
  SHOW(semget(key, 1, 0));
  const int id = semget(key, 2, IPC_CREAT | 0400);
  SHOW(semget(key, 2, IPC_CREAT | IPC_EXCL | 0400));
  SHOW(semget(key, 3, 0));
  SHOW(semget(key, 0, 0) == id);
  in_child([&] {
    if (setuid(12345) != 0) return;
    SHOW(semget(key, 1, 0400));
    SHOW(semctl(id, 0, GETVAL));
    SHOW(semctl(id, 0, IPC_RMID));
  });
  SHOW(semctl(id, 0, IPC_RMID));
}

}  // namespace

int main() {
  semaphores();
  messages();
  shared_memory();
  keys_and_permissions();
}
