/*
 * base/banned.h - functions that this project does not call
 *
 * Included by the build in front of every .c file of src/ (-include); a use
 * is then an error. Each has a sister here or in libc that takes a size, does
 * not keep hidden state, or says when it fails. gets() needs no ban: C11 has
 * none, and to call what is not declared is an error, too.
 */
#ifndef OTK_BASE_BANNED_H
#define OTK_BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* clang-format off */
#pragma GCC poison strcpy strcat strncpy strncat strtok sprintf vsprintf
#pragma GCC poison atoi atol atof gmtime localtime ctime asctime
/* clang-format on */

#endif
