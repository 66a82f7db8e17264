/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _TIDE_PUT_H_
#define _TIDE_PUT_H_

struct tide_bo;
struct tide_device;

int tide_put_init(void);
void tide_put_fini(void);
void tide_put_init_device(struct tide_device *tdev);

void tide_device_put_late(struct tide_device *tdev);
void tide_bo_put_late(struct tide_bo *bo);

#endif /* _TIDE_PUT_H_ */
