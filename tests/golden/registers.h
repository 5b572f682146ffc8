/* Registers of bsnn_axi for the circuit 00112233445566c0; by bsnn-hw 1.2.3.
 * Addresses are in bytes from the base; all registers have 32 bits. */
#ifndef BSNN_REGISTERS_H
#define BSNN_REGISTERS_H

#define BSNN_REGISTERS_BYTES 0x1000u

#define BSNN_REG_CONTROL 0x000u
#define BSNN_REG_CONTROL_ENABLE 0x00000001u /* 0: no further sample begins */
#define BSNN_REG_CONTROL_RESET 0x00000002u /* reset the core; samples in it are lost */
#define BSNN_REG_CONTROL_CLEAR 0x00000004u /* all counters to 0 */

#define BSNN_REG_STATUS 0x004u
#define BSNN_REG_STATUS_BUSY 0x00000001u /* the core has a sample */

#define BSNN_REG_VERSION 0x008u

#define BSNN_REG_LAYERS 0x00cu

#define BSNN_REG_IDENTIFIER_LOW 0x010u

#define BSNN_REG_IDENTIFIER_HIGH 0x014u

#define BSNN_REG_SAMPLE_BYTES 0x018u

#define BSNN_REG_RESULT_BYTES 0x01cu

#define BSNN_REG_INFERENCES_LOW 0x020u

#define BSNN_REG_INFERENCES_HIGH 0x024u

#define BSNN_REG_CYCLES_LOW 0x028u

#define BSNN_REG_CYCLES_HIGH 0x02cu

#define BSNN_REG_EVENTS_0_LOW 0x040u

#define BSNN_REG_EVENTS_0_HIGH 0x044u

#define BSNN_REG_SPIKES_0_LOW 0x048u

#define BSNN_REG_SPIKES_0_HIGH 0x04cu

#define BSNN_REG_EVENTS_1_LOW 0x050u

#define BSNN_REG_EVENTS_1_HIGH 0x054u

#endif
