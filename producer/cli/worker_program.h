/* Where till-worker lies, for commands that start some. */
#ifndef CLI_WORKER_PROGRAM_H
#define CLI_WORKER_PROGRAM_H

enum { WORKER_PROGRAM_SIZE = 1024 };

/* Beside this program, or where the build puts it; else its name, to be found in PATH. */
void worker_program_find(char out[WORKER_PROGRAM_SIZE]);

#endif
