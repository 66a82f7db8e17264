/* SPDX-License-Identifier: MIT */

#include "process.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

void
process_say(int fd, double value)
{
   if (write(fd, &value, sizeof(value)) != sizeof(value))
      _exit(1);
}

bool
process_hear(int fd, double *value)
{
   return read(fd, value, sizeof(*value)) == sizeof(*value);
}

bool
process_start(struct process *process, int oom_score_adj)
{
   int up[2], down[2];
   char text[16];

   if (pipe2(up, O_CLOEXEC) || pipe2(down, O_CLOEXEC))
      die_errno("pipe");
   process->pid = fork();
   if (process->pid < 0)
      die_errno("fork");
   if (process->pid) {
      close(up[1]);
      close(down[0]);
      process->told = up[0];
      process->tells = down[1];
      return false;
   }

   prctl(PR_SET_PDEATHSIG, SIGKILL);
   close(up[0]);
   close(down[1]);
   process->told = down[0];
   process->tells = up[1];
   snprintf(text, sizeof(text), "%d", oom_score_adj);
   write_file("/proc/self/oom_score_adj", text);
   return true;
}

void
process_end(struct process *process)
{
   kill(process->pid, SIGKILL);
   waitpid(process->pid, NULL, 0);
   close(process->told);
   close(process->tells);
}

void
process_expect(struct process *process, const char *who)
{
   double word;
   if (!process_hear(process->told, &word))
      die("the %s has ended before it was ready", who);
}
