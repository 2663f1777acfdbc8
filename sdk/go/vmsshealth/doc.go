// A deployment health gate for Azure VM scale sets, and their instance view.
package vmsshealth
