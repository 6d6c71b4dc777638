/*
 * guc.h
 *		Every bnai.* setting.
 */
#ifndef BNAI_GUC_H
#define BNAI_GUC_H

extern int	BnaiWorkMem;

extern void InitSettings(void);

#endif							/* BNAI_GUC_H */
