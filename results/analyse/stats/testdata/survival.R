# Reference values for times to an event, from R's survival and cmprsk.
# Run as: Rscript survival.R > survival.json
# A group is given as its size, its times, and its status (0 is cut off).
suppressMessages({library(jsonlite); library(survival); library(cmprsk)})
cases <- list()
add <- function(f, args, want) cases[[length(cases) + 1]] <<- list(f = unbox(f), args = as.numeric(args), want = as.numeric(want))
inf <- function(x) ifelse(is.na(x), 1e300, x)

am <- subset(aml, x == "Maintained"); an <- subset(aml, x != "Maintained")
set.seed(1)
big <- data.frame(time = ceiling(rexp(40, 0.1) * 2) / 2, status = rbinom(40, 1, 0.7))
flat <- data.frame(time = c(1, 2, 3, 4), status = c(1, 1, 1, 1))
for (d in list(am, an, big, flat)) {
  s <- survfit(Surv(time, status) ~ 1, data = d)
  add("kaplan_meier", c(nrow(d), d$time, d$status), c(s$time, s$n.risk, s$n.event, s$surv, s$std.err[s$surv > 0] * s$surv[s$surv > 0]))
  q <- quantile(s, c(0.25, 0.5, 0.75))
  for (i in 1:3) add("survival_quantile", c(nrow(d), d$time, d$status, c(0.25, 0.5, 0.75)[i]), inf(c(q$quantile[i], q$lower[i], q$upper[i])))
  add("survival_interval", c(nrow(d), d$time, d$status, s$time[2]), c(s$lower[2], s$upper[2]))
}
groups <- function(a, b, ...) c(nrow(a), a$time, a$status, nrow(b), b$time, b$status, ...)
half <- big[1:17, ]; rest <- big[18:40, ]
for (g in list(list(am, an), list(half, rest))) {
  d <- rbind(cbind(g[[1]][, c("time", "status")], x = 1), cbind(g[[2]][, c("time", "status")], x = 2))
  t <- survdiff(Surv(time, status) ~ x, data = d)
  add("log_rank", groups(g[[1]], g[[2]]), c(t$chisq, pchisq(t$chisq, 1, lower.tail = FALSE), t$obs, t$exp))
}
p <- subset(pbc, !is.na(trt)); p$time <- p$time / 365.25; p$status <- as.numeric(p$status == 2)
one <- subset(p, trt == 1)[, c("time", "status")]; zero <- subset(p, trt == 2)[, c("time", "status")]
rmst <- function(d, tau) { t <- summary(survfit(Surv(time, status) ~ 1, data = d), rmean = tau)$table; c(t[["rmean"]], t[["se(rmean)"]]) }
for (g in list(list(one, zero, 10), list(am, an, 30), list(half, rest, 12.25))) {
  a <- rmst(g[[1]], g[[3]]); b <- rmst(g[[2]], g[[3]]); se <- sqrt(a[2]^2 + b[2]^2); z <- qnorm(0.975)
  w <- z * sqrt((a[2] / a[1])^2 + (b[2] / b[1])^2)
  add("rmst", groups(g[[1]], g[[2]], g[[3]]),
      c(a, b, a[1] - b[1], a[1] - b[1] - z * se, a[1] - b[1] + z * se, 2 * pnorm(-abs(a[1] - b[1]) / se),
        a[1] / b[1], a[1] / b[1] * exp(-w), a[1] / b[1] * exp(w)))
}
# Competing ends: survival's Aalen-Johansen, its standard errors where no
# trial is cut off (there every variance is the multinomial one).
ends <- data.frame(time = ceiling(rexp(35, 0.1)), cause = sample(0:3, 35, TRUE))
full <- data.frame(time = c(3, 5, 5, 8, 9, 12, 12, 15), cause = c(1, 2, 1, 1, 3, 2, 1, 1))
for (d in list(ends, full)) {
  s <- survfit(Surv(time, factor(cause, 0:3)) ~ 1, data = d)
  for (k in 1:3) add("incidence", c(nrow(d), d$time, d$cause, k), s$pstate[, k + 1])
  ci <- cuminc(d$time, d$cause)
  for (k in 1:3) add("incidence_gray", c(nrow(d), d$time, d$cause, k), timepoints(ci[paste("1", k)], 9)$est)
}
for (k in 1:3) for (t in c(5, 9, 12)) {
  n <- nrow(full); f <- sum(full$cause == k & full$time <= t) / n
  add("incidence_se_uncut", c(n, full$time, full$cause, k, t), sqrt(f * (1 - f) / n))
}
print_se <- survfit(Surv(time, factor(cause, 0:3)) ~ 1, data = ends)
for (k in 1:3) add("incidence_se", c(nrow(ends), ends$time, ends$cause, k), print_se$std.err[, k + 1])
cat(toJSON(list(source = unbox(paste0(R.version.string, ", survival ", packageVersion("survival"), ", cmprsk ", packageVersion("cmprsk"))),
                cases = cases), auto_unbox = FALSE, digits = NA), "\n")
