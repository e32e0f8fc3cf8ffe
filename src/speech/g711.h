/* speech/g711.h - G.711 (ITU-T, 1988), a byte a sample */
#ifndef OTK_SPEECH_G711_H
#define OTK_SPEECH_G711_H

#include <stdint.h>

int16_t g711_from_ulaw(uint8_t x);
int16_t g711_from_alaw(uint8_t x);
uint8_t g711_to_ulaw(int16_t x);
uint8_t g711_to_alaw(int16_t x);

#endif
